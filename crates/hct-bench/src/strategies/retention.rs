//! Table 2: what `uniform` makes of different retentions.

use anyhow::Result;

use super::bench::Bench;
use super::entrants::{RETENTION, uniform};
use crate::comparison::Row;
use crate::text::cells::{self, bits};
use crate::text::table::table;

const RETENTIONS: [f64; 8] = [0.30, 0.50, 0.60, 0.70, 0.80, 0.90, 0.98, 1.0];

/// Measures viable `uniform` at every retention but that of the `reference`, which has been.
pub fn measure(bench: &Bench<'_>, reference: &Row) -> Result<Vec<Row>> {
    RETENTIONS
        .into_iter()
        .map(|retention| match retention == RETENTION {
            true => Ok(Row {
                quality: None,
                ..reference.clone()
            }),
            false => Ok(bench.measure(&uniform(retention))?.0),
        })
        .collect()
}

/// Renders the table of matrices of so many weights.
pub fn render(rows: &[Row], weights: u64) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.setting.clone(),
                bits(row.matrix_bytes, weights),
                cells::cosine(row.cosine),
                cells::error(row.rel_mse),
                cells::cosine(row.worst_cosine),
                cells::optional_cosine(row.worst_row),
            ]
        })
        .collect();
    let head = [
        "`uniform`, viable",
        "bits per weight",
        "cosine",
        "rel. MSE",
        "worst tensor",
        "worst row",
    ];
    format!("### Retention\n\n{}", table("lrrrrr", &head, &rows))
}
