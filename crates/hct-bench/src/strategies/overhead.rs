//! Table 4: what the bytes of each strategy hold.

use hct_core::Section;

use super::strategy::StrategyRow;
use crate::text::cells::{self, bits, percent};
use crate::text::table::table;

/// Renders the table from the rows of the strategy table, of matrices of so many weights.
pub fn render(rows: &[StrategyRow], weights: u64) -> String {
    let sections = Section::ALL.map(Section::name);
    let mut head = vec!["strategy", "preset", "setting", "bits per weight"];
    head.extend(sections);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|entry| {
            let row = &entry.row;
            let mut cells = vec![
                row.strategy.clone(),
                cells::or_dash(&row.preset),
                row.setting.clone(),
                bits(row.matrix_bytes, weights),
            ];
            cells.extend(sections.map(|name| percent(row.section(name))));
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
