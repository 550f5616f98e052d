//! Table 2: `mixed` by the share of coefficients in FP16.

use anyhow::Result;
use hct_strategies::Preset;

use super::bench::Bench;
use super::entrants::mixed;
use crate::comparison::Row;
use crate::text::cells::{self, bits, percent};
use crate::text::table::table;

const RETENTION: f64 = 0.70;
const RATIOS: [f64; 3] = [0.1, 0.2, 0.3];

/// Measures both presets at every share.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for preset in [Preset::Classic, Preset::Viable] {
        for ratio in RATIOS {
            rows.push(bench.measure(&mixed(RETENTION, ratio, preset))?.0);
        }
    }
    Ok(rows)
}

/// Renders the table of matrices of so many weights.
pub fn render(rows: &[Row], weights: u64) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                cells::or_dash(&row.preset),
                row.setting.clone(),
                bits(row.matrix_bytes, weights),
                cells::cosine(row.cosine),
                cells::cosine(row.worst_cosine),
                percent(row.section("positions")),
            ]
        })
        .collect();
    let head = [
        "`mixed`",
        "setting",
        "bits per weight",
        "cosine",
        "worst tensor",
        "bytes in positions",
    ];
    format!("### Mixed precision\n\n{}", table("llrrrr", &head, &rows))
}
