//! The matrices of a model, before and after.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hct_core::{Dtype, Fragment, MatrixView, Recipe, RowComparison, TensorRecord, fold};
use hct_model::{HctFile, TensorSource};
use hct_strategies::{Role, role};
use rayon::prelude::*;

use super::embedding_rows::{centered_cosines, first_percentile};
use super::sums::between;
use crate::model::Model;

/// Decoded bytes to hold at a time.
const GROUP_BYTES: u64 = 128 << 20;

/// One matrix of a measured model.
pub struct TensorRow {
    /// Its name.
    pub name: String,
    /// Elements.
    pub weights: u64,
    /// Bytes stored, of the fragments that were decoded.
    pub bytes: u64,
    /// Components of its low-rank product, if it has one.
    pub rank: Option<usize>,
    /// How it agrees with the original.
    pub sums: RowComparison,
}

/// Decoded matrices beside the originals.
pub struct Comparison {
    /// All of them at once.
    pub total: RowComparison,
    /// One by one.
    pub tensors: Vec<TensorRow>,
    /// First percentile of the cosines of embedding rows, the mean row subtracted.
    pub worst_row: Option<f64>,
    /// Time to decode them.
    pub decoding: Duration,
}

impl Comparison {
    /// Decodes the first `fragments` fragments of `matrices` from `file` and compares.
    pub fn new(
        model: &Model,
        matrices: &[usize],
        file: HctFile,
        fragments: usize,
    ) -> Result<Comparison> {
        let file = file.with_fragments(fragments);
        let mut comparison = Comparison {
            total: RowComparison::default(),
            tensors: Vec::new(),
            worst_row: None,
            decoding: Duration::ZERO,
        };
        let mut rows = Vec::new();
        for group in groups(model, matrices) {
            let start = Instant::now();
            let decoded = group
                .par_iter()
                .map(|&i| file.read(i))
                .collect::<Result<Vec<_>, _>>()?;
            comparison.decoding += start.elapsed();
            let compared = group
                .par_iter()
                .zip(&decoded)
                .map(|(&i, decoded)| {
                    let info = &model.checkpoint.tensors()[i];
                    let sums = compare(model, i, decoded, info.dtype)?;
                    let rows = match role(&info.name) {
                        Role::Embedding => rows_of(model, i, decoded)?,
                        _ => Vec::new(),
                    };
                    Ok((sums, rows))
                })
                .collect::<Result<Vec<_>>>()?;
            for (&i, (sums, of_tensor)) in group.iter().zip(compared) {
                let record = &file.index().tensors[i];
                comparison.total.merge(&sums);
                comparison.tensors.push(TensorRow {
                    name: record.name.clone(),
                    weights: record.elements(),
                    bytes: record.prefix_bytes(fragments),
                    rank: rank(record),
                    sums,
                });
                rows.extend(of_tensor);
            }
        }
        comparison.worst_row = first_percentile(rows);
        Ok(comparison)
    }

    /// Bytes of the matrices.
    pub fn bytes(&self) -> u64 {
        self.tensors.iter().map(|t| t.bytes).sum()
    }
}

/// Components of the low-rank product in a record.
pub fn rank(record: &TensorRecord) -> Option<usize> {
    let Recipe::Fragments { fragments, .. } = &record.recipe else {
        return None;
    };
    fragments.iter().find_map(|fragment| match fragment {
        Fragment::Product(left, _) => Some(left.recipe().cols),
        _ => None,
    })
}

/// Compares `matrices` of `model` with the same tensors of another source, in any float type.
pub fn agreement(
    model: &Model,
    matrices: &[usize],
    other: &dyn TensorSource,
) -> Result<RowComparison> {
    let mut total = RowComparison::default();
    for group in groups(model, matrices) {
        let compared = group
            .par_iter()
            .map(|&i| compare(model, i, &other.read(i)?, other.tensors()[i].dtype))
            .collect::<Result<Vec<_>>>()?;
        for sums in &compared {
            total.merge(sums);
        }
    }
    Ok(total)
}

fn compare(model: &Model, i: usize, decoded: &[u8], dtype: Dtype) -> Result<RowComparison> {
    let info = &model.checkpoint.tensors()[i];
    let original = model.checkpoint.read(i)?;
    let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
    let original = MatrixView::from_bytes(&original, info.dtype, rows, cols)?;
    let decoded = MatrixView::from_bytes(decoded, dtype, rows, cols)?;
    Ok(between(&original, &decoded, rows, cols))
}

/// Cosines of the rows of a lookup table.
fn rows_of(model: &Model, i: usize, decoded: &[u8]) -> Result<Vec<f64>> {
    let info = &model.checkpoint.tensors()[i];
    let original = model.checkpoint.read(i)?;
    let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
    let original = MatrixView::from_bytes(&original, info.dtype, rows, cols)?;
    let decoded = MatrixView::from_bytes(decoded, info.dtype, rows, cols)?;
    centered_cosines(original, decoded, info.dtype)
}

/// Runs of `matrices` that decode to about [`GROUP_BYTES`].
fn groups(model: &Model, matrices: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut filled = u64::MAX;
    for &i in matrices {
        let info = &model.checkpoint.tensors()[i];
        let bytes = info.dtype.byte_len(info.shape.iter().product());
        let bytes = bytes.unwrap_or(GROUP_BYTES);
        match groups.last_mut() {
            Some(group) if filled.saturating_add(bytes) <= GROUP_BYTES => {
                group.push(i);
                filled += bytes;
            }
            _ => {
                groups.push(vec![i]);
                filled = bytes;
            }
        }
    }
    groups
}
