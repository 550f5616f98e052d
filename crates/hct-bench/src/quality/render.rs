//! The sections of `QUALITY.md`, from what was measured.

use super::report::{ModelReport, QualityRow, plot_name};
use super::thresholds_section;
use crate::text::cells::percent;
use crate::text::cells::thousands;
use crate::text::table::table;

/// The text above the sections.
pub const ABOUT: &str = "# Quality: models run before and after

Made by `cargo xtask compare --quality` (both models of `cargo xtask fetch`) or
`cargo xtask compare --quality --model PATH` (any checkpoint folder that `hct eval` can run); each
section is regenerated on its own, and names the options it was made with. The same numbers in full
precision are in [QUALITY.json](QUALITY.json). `cargo xtask compare --render` rewrites this text and
the plots from the JSON without measuring, `cargo xtask compare --check` fails when they differ.
Every model runs in F32 on the CPU, so the last digits of model-level numbers can depend on the
processor; sizes do not.

- **bits per weight**: bytes of the whole model, divided by the elements of all float tensors, what
  stays exact included, configuration and tokenizer not. For HCT it is the whole file; for other
  formats the bytes of their blocks with all scales and of the tensors they leave as they are, and
  nothing for names and headers.
- **cosine**: cosine similarity of original and decoded weights, all matrices taken as one vector,
  as in [STRATEGIES.md](STRATEGIES.md).
- **other formats**: the block formats of llama.cpp by candle's quantizers, every matrix in the one
  named. Formats whose names end in K have blocks of 256 weights, the others of 32; rows that do not
  divide into a format's blocks get another, as the setting tells: the shares of the weights by the
  format they are really in.
- **PPL ratio**: perplexity over that of the model as it was, ± its standard error. **KL**: KL
  divergence of the predictions from those of the model as it was, per token, in nats: mean and
  99th percentile. **top-1**: how often the most probable token is the same. **top-5**: mean share of
  the five most probable tokens that both have.
- **embedding cosine**: of the vectors that a sentence gets before and after; **Spearman**: rank
  correlation of the similarities of all pairs of sentences, before and after.
- **kinds of text**: tables and plots without a kind are about the handbook
  (`assets/text/evaluation.txt`); *Kinds of text* has the same numbers on prose, code and many
  languages ([assets/text](../assets/text/README.md)), and their mean over all kinds but the handbook.
- No contestant has seen any of the texts. `rdo` at bits per weight finds the quality that gives that size.

**How far to trust the digits.** Sizes and decoded weights are the same on every machine, for any number of
threads and in any build, so that a setting of `rdo` makes one file. What figures differ by is mostly

- **what is counted.** `hct compress --bpw` counts the whole file with configuration and tokenizer, which
  these tables leave out; `--no-side-files` makes the file of the table. For SmolLM2 they take 0.031 bits
  per weight: at `--bpw 4` tensors keep 3.968 where the row here has 4.000, which by the slope of the
  rows beside it is 4 to 5 % more KL. For MiniLM, a smaller model, they take 0.11 bits.
- **which weights were rounded up.** Settings that differ by next to nothing round many weights to the
  other side. Between 2.7 and 5.1 bits per weight the KL of the nine files by `rdo` from SmolLM2 lies about
  a parabola (of ln KL against bits) with a standard deviation of 6 %, as much as 0.05 bits are worth.
  Rows that are nearer to each other than that are not told apart. `--bpw` stops within 0.5 % of
  its size, which at 4 bits is 3 % of KL. Builds of different months made of `--bpw 4 --no-side-files`
  files whose lengths differ by some dozen bytes of 67 MB, with a KL of 0.1743, 0.1745 and 0.1759; with the
  trellis of 64 states instead of 8 it has 3.5 % less squared error, and the KL of the row here.
- **the text**: other texts, and other parts of one, have another KL. Compare within a table.
";

/// A model's section.
pub fn model(key: &str, report: &ModelReport) -> String {
    let first = report.rows.first().map(|row| &row.quality);
    let run_on = first.map_or_else(String::new, |q| report.settings.describe(q));
    let mut out = format!(
        "## {}\n\n{} weights, matrices stored as {}. {}\n\n![Quality against size]({})\n\n{}",
        report.title,
        thousands(report.weights),
        report.dtype,
        run_on,
        plot_name(key),
        main_table(report),
    );
    if let Some(kinds) = kinds_table(report) {
        out += &format!("\n### Kinds of text\n\n{kinds}");
    }
    if let Some(note) = note(key) {
        out += &format!("\n{note}\n");
    }
    let data_free = report.data_free();
    if !data_free.is_empty() {
        out += &thresholds_section::render(&data_free);
    }
    out
}

/// What a reader must know about a fetched model.
fn note(key: &str) -> Option<&'static str> {
    (key == "smollm2").then_some(
        "The weights of this checkpoint were in blocks of 32 before (Q4_1, some Q8_0), which is \
         how `cargo xtask fetch` gets them. Formats with blocks of 32 (Q8_0, Q5_1, Q5_0, Q4_0) may \
         land on that grid, or near it, so their rows may do better or worse against each other \
         than on weights that were never quantized.",
    )
}

fn main_table(report: &ModelReport) -> String {
    let mut head = vec!["by", "setting", "bits per weight", "cosine"];
    if let Some(row) = report.rows.first() {
        head.extend(row.quality.details().iter().map(|(name, _)| name));
    }
    let row = |row: &QualityRow| {
        let mut cells = vec![
            row.name.clone(),
            setting(row),
            format!("{:.3}", report.bits(row)),
            format!("{:.5}", row.cosine),
        ];
        cells.extend(row.quality.details().into_iter().map(|(_, cell)| cell));
        cells
    };
    let rows: Vec<_> = report.rows.iter().map(row).collect();
    let align = "ll".to_owned() + &"r".repeat(head.len() - 2);
    table(&align, &head, &rows)
}

/// The same on every kind of text. None where the handbook is the only one.
pub fn kinds_table(report: &ModelReport) -> Option<String> {
    let first = report.rows.first()?.quality.kinds();
    if first.is_empty() {
        return None;
    }
    let mut head = vec!["by", "setting", "bits per weight"];
    head.extend(first.iter().map(|(name, _)| name.as_str()));
    let row = |row: &QualityRow| {
        let bits = format!("{:.3}", report.bits(row));
        let mut cells = vec![row.name.clone(), setting(row), bits];
        cells.extend(row.quality.kinds().into_iter().map(|(_, cell)| cell));
        cells
    };
    let rows: Vec<_> = report.rows.iter().map(row).collect();
    let align = "ll".to_owned() + &"r".repeat(head.len() - 2);
    Some(table(&align, &head, &rows))
}

pub fn setting(row: &QualityRow) -> String {
    match row.is_rival() {
        true => blocks(row),
        false => row.setting.clone(),
    }
}

/// What a rival's weights are really stored as, the most common first; what is less than a
/// thousandth is left out.
fn blocks(row: &QualityRow) -> String {
    let total = row.blocks.values().sum::<u64>() as f64;
    let mut blocks: Vec<(&String, f64)> = row
        .blocks
        .iter()
        .map(|(name, &n)| (name, n as f64 / total))
        .filter(|(_, share)| *share >= 0.001)
        .collect();
    blocks.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shares: Vec<String> = blocks
        .into_iter()
        .map(|(name, share)| format!("{} {name}", percent(share)))
        .collect();
    shares.join(", ")
}
