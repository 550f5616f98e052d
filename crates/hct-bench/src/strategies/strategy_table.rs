//! Table 1 as text.

use super::report::ModelReport;
use super::strategy::{StrategyRow, reference};
use super::verdict::verdict;
use crate::text::cells::{self, bits, bits_per_weight, speed};
use crate::text::table::table;

/// Renders the table.
pub fn render(report: &ModelReport) -> String {
    let rows = &report.strategies;
    let quality = rows.iter().find_map(|row| row.row.quality.as_ref());
    let quality = quality.map_or_else(Vec::new, |quality| quality.summary());
    let threads = rows.first().map_or(0, |row| row.row.speed.threads);
    let ratio = format!("ratio to {}", report.dtype);
    let mut head = vec![
        "strategy",
        "preset",
        "setting",
        "bits per weight, matrices",
        "bits per weight, file",
        &ratio,
        "against `rdo`, bits",
        "cosine",
        "rel. MSE",
        "worst tensor",
        "worst row",
    ];
    head.extend(quality.iter().map(|(name, _)| name));
    head.extend(["encode M/s", "decode M/s", "verdict"]);
    let align = "lll".to_owned() + &"r".repeat(head.len() - 4) + "l";
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row_cells(row, report)).collect();
    let worst: Vec<Vec<String>> = rows
        .iter()
        .filter(|row| row.row.rel_mse > 0.0)
        .map(worst)
        .collect();
    format!(
        "### Strategies\n\nSpeeds on {threads} threads.\n\n{}\n\
         <details><summary>The worst tensor of each row</summary>\n\n{}\n</details>\n",
        table(&align, &head, &cells),
        table(
            "llllr",
            &["strategy", "preset", "setting", "tensor", "cosine"],
            &worst
        ),
    )
}

fn worst(row: &StrategyRow) -> Vec<String> {
    let row = &row.row;
    vec![
        row.strategy.clone(),
        cells::or_dash(&row.preset),
        row.setting.clone(),
        cells::code(&row.worst_tensor),
        cells::cosine(row.worst_cosine),
    ]
}

fn row_cells(entry: &StrategyRow, report: &ModelReport) -> Vec<String> {
    let row = &entry.row;
    let weights = report.matrix_weights;
    let own = bits_per_weight(row.matrix_bytes, weights);
    let against = match row.rel_mse > 0.0 {
        true => report.curve.bits_at(row.cosine, weights),
        false => None,
    };
    let mut cells = vec![
        row.strategy.clone(),
        cells::or_dash(&row.preset),
        row.setting.clone(),
        bits(row.matrix_bytes, weights),
        bits(row.file_bytes, report.weights),
        format!("{:.2}", report.input_bytes as f64 / row.file_bytes as f64),
        against.map_or("–".into(), |rdo| format!("{:+.3}", own - rdo)),
        cells::cosine(row.cosine),
        cells::error(row.rel_mse),
        cells::cosine(row.worst_cosine),
        cells::optional_cosine(row.worst_row),
    ];
    let quality = row.quality.iter().flat_map(|quality| quality.summary());
    cells.extend(quality.map(|(_, cell)| cell));
    let judged = reference(&report.strategies).map(|r| verdict(entry, r, weights));
    cells.extend([
        speed(row.speed.encode),
        speed(row.speed.decode),
        judged.unwrap_or_default(),
    ]);
    cells
}
