//! Table 2: what `uniform` makes of different retentions.

use anyhow::Result;

use super::ModelReport;
use super::bench::Bench;
use super::cells::{self, bits};
use super::entrants::{RETENTION, uniform};
use crate::document::table;
use crate::measure::Row;

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

/// Renders the table.
pub fn render(report: &ModelReport) -> String {
    let rows: Vec<Vec<String>> = report
        .retention
        .iter()
        .map(|row| {
            vec![
                row.setting.clone(),
                bits(row.matrix_bytes, report.matrix_weights),
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
