//! The sections of `CALIBRATION.md`, from what was measured.

use super::ablation_table;
use super::report::{Section, Way, plot_name};
use crate::quality::{kinds_table, setting};
use crate::text::cells::thousands;
use crate::text::table::table;

/// Losses of language models at which sizes are compared; the last is about that of Q8_0.
const KLD: [f64; 8] = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0039];
/// Those of sentence encoders.
const SPEARMAN: [f64; 6] = [0.1, 0.05, 0.02, 0.01, 0.005, 0.001];

/// A model's section.
pub fn model(key: &str, section: &Section) -> String {
    let report = &section.curves;
    let first = report.rows.first().map(|row| &row.quality);
    let run_on = first.map_or_else(String::new, |q| report.settings.describe(q));
    let mut out = format!(
        "## {}\n\n{} weights, matrices stored as {}. {run_on}\n\n![Loss against size]({})\n",
        report.title,
        thousands(report.weights),
        report.dtype,
        plot_name(key),
    );
    if let Some(kinds) = kinds_table(report) {
        out += &format!("\n### Loss on every kind of text\n\n{kinds}");
    }
    if let Some(first) = first {
        let levels: &[f64] = match first.loss_name() {
            "KL divergence" => &KLD,
            _ => &SPEARMAN,
        };
        out += &format!(
            "\n### Bits per weight at equal {}\n\nBetween the measurements above, the logarithm of \
             the loss taken as linear in the bits.\n\n{}",
            first.loss_name(),
            levels_table(&section.ways(), levels),
        );
    }
    if let Some(ablation) = ablation_table::render(section) {
        out += &ablation;
    }
    match times_table(section) {
        Some(times) => out + &format!("\n### Time\n\n{times}"),
        None => out,
    }
}

/// A row a way and kind of text, a column a loss.
fn levels_table(ways: &[Way<'_>], levels: &[f64]) -> String {
    let mut head = vec!["by".to_owned(), "kind of text".to_owned()];
    head.extend(levels.iter().map(f64::to_string));
    let mut rows = Vec::new();
    for way in ways {
        let mean = way.mean_elsewhere.as_ref();
        let mean = mean.map(|curve| ("mean but handbook", curve));
        for (kind, curve) in way.curves.by_kind().into_iter().chain(mean) {
            let bits = levels.iter().map(|&loss| curve.bits_at(loss));
            let cell = |bits: Option<f64>| bits.map_or("–".to_owned(), |b| format!("{b:.2}"));
            let mut cells = vec![way.name.to_owned(), kind.to_owned()];
            cells.extend(bits.map(cell));
            rows.push(cells);
        }
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let align = "ll".to_owned() + &"r".repeat(levels.len());
    table(&align, &head, &rows)
}

/// How long coding took; none where no row says so, measured beside other work.
fn times_table(section: &Section) -> Option<String> {
    let report = &section.curves;
    let timed = report.rows.iter().filter(|row| !row.is_rival());
    let rows: Vec<_> = timed
        .filter_map(|row| {
            let bits = format!("{:.3}", report.bits(row));
            let seconds = format!("{:.0}", row.encode_seconds?);
            Some(vec![row.name.clone(), setting(row), bits, seconds])
        })
        .collect();
    let head = ["by", "setting", "bits per weight", "seconds, all tries"];
    (!rows.is_empty()).then(|| table("llrr", &head, &rows))
}
