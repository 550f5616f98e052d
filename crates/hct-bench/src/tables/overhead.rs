//! Table 4: what the bytes of each strategy hold.

use hct_core::Section;

use super::ModelReport;
use super::cells::{self, bits, percent};
use crate::document::table;

/// Renders the table from the rows of the strategy table.
pub fn render(report: &ModelReport) -> String {
    let sections = Section::ALL.map(Section::name);
    let mut head = vec!["strategy", "preset", "setting", "bits per weight"];
    head.extend(sections);
    let rows: Vec<Vec<String>> = report
        .strategies
        .iter()
        .map(|entry| {
            let row = &entry.row;
            let mut cells = vec![
                cells::strategy(row),
                cells::preset(row),
                row.setting.clone(),
                bits(row.matrix_bytes, report.matrix_weights),
            ];
            cells.extend(sections.map(|name| percent(cells::section(row, name))));
            cells
        })
        .collect();
    format!(
        "### Where the bytes go\n\nShares of the bytes of the matrices: quantized values, \
         positions of what is kept, scales and means, frequency tables and reproduction points, \
         records and lengths.\n\n{}",
        table("lllrrrrrr", &head, &rows)
    )
}
