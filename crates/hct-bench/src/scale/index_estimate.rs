//! Bytes of an index that was not made, from those that were.

use hct_model::TensorInfo;

use super::plan::weights;
use super::report::{Kind, Report, Row, Setting};

/// Weights of a tile.
const TILE: u64 = 1 << 20;

/// Bytes of the index that a tensor of one tile takes beside its name, and those of each tile more: by the
/// most tensors without options, and by the smallest and the largest tensor.
pub fn parts(report: &Report) -> Option<(f64, f64)> {
    let alike = |row: &&Row| row.kind == Kind::Alike;
    let many = report.rows.iter().filter(alike);
    // Lossless files have hashes besides.
    let many = many.filter(|row| row.setting != Setting::Lossless);
    let many = many
        .max_by_key(|row| row.tensors)
        .filter(|r| r.tensors > 1)?;
    let single = report.rows.iter().filter(alike).filter(|r| r.tensors == 1);
    let first = single.clone().min_by_key(|row| row.weights)?;
    let last = single.max_by_key(|row| row.weights)?;
    let more = last.weights.div_ceil(TILE) - first.weights.div_ceil(TILE);
    let bytes = last.index_bytes.saturating_sub(first.index_bytes);
    (more > 0).then(|| (many.index_per_tensor(), bytes as f64 / more as f64))
}

/// Bytes of the index of these tensors.
pub fn of(report: &Report, tensors: &[TensorInfo]) -> Option<f64> {
    let (tensor, tile) = parts(report)?;
    let bytes = tensors.iter().map(|t| {
        let more = weights(t).div_ceil(TILE) - 1;
        t.name.len() as f64 + tensor + tile * more as f64
    });
    Some(bytes.sum())
}
