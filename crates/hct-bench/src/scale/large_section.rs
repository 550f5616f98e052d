//! What memory grows with: the largest tensor.

use super::model_section::mebibytes;
use super::plan::{Plan, weights};
use super::report::{Kind, Report, Row};
use crate::text::cells::thousands;
use crate::text::table::table;

/// Memory that is to do.
const BOUND: u64 = 1 << 30;

/// The section, if anything of it was measured.
pub fn render(report: &Report) -> Option<String> {
    let rows = report.rows.iter();
    let rows: Vec<&Row> = rows
        .filter(|row| row.kind == Kind::Alike && row.tensors == 1)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let cells = rows.iter().map(|row| {
        vec![
            thousands(row.weights),
            row.setting.name().into(),
            mebibytes(Some(2 * row.weights)),
            mebibytes(row.compress.peak_bytes),
            mebibytes(row.verify.peak_bytes),
            mebibytes(row.decompress.peak_bytes),
        ]
    });
    let head = [
        "weights of the tensor",
        "options",
        "itself, MiB",
        "compress, peak MiB",
        "verify, peak MiB",
        "decompress, peak MiB",
    ];
    let cells: Vec<_> = cells.collect();
    Some(format!(
        "## Memory by the largest tensor\n\n`cargo xtask scale --tensors 1 --shape 8192x8192`, and others. A tensor is read \
         whole, coded tile by tile, and what it became is held until it is written; groups of smaller ones have 64 MiB together. \
         Where a first coding is not taken, a second lies beside it for a while. Verifying and decompressing hold some bands of \
         a tensor.\n\n{}\n{}",
        table("rlrrrr", &head, &cells),
        by_weight(&rows),
    ))
}

/// Bytes a weight, from the smallest to the largest of the first setting, and what follows.
fn by_weight(rows: &[&Row]) -> String {
    let alike: Vec<&Row> = (rows.iter().copied())
        .filter(|row| row.setting == rows[0].setting)
        .collect();
    let (first, last) = (alike[0], alike[alike.len() - 1]);
    let (Some(low), Some(high)) = (first.compress.peak_bytes, last.compress.peak_bytes) else {
        return String::new();
    };
    if last.weights <= first.weights || high <= low {
        return String::new();
    }
    let compress = (high - low) as f64 / (last.weights - first.weights) as f64;
    let fixed = high as f64 - compress * last.weights as f64;
    let largest = Plan::large().tensors().iter().map(weights).max();
    let largest = largest.unwrap_or(0) as f64;
    let gib = f64::from(1 << 30);
    format!(
        "From the first to the last that is {compress:.1} bytes a weight to compress: under 1 GiB to {:.0} million weights. \
         The embeddings of DeepSeek-V3, {:.0} million, take {:.1} GiB to compress; its experts, 14.7 million, no more than \
         the smallest above.\n",
        (BOUND as f64 - fixed) / compress / 1e6,
        largest / 1e6,
        (fixed + compress * largest) / gib,
    )
}
