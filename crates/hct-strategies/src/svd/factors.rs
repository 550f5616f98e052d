//! Coding truncated factors: as FP16, or quantized so that their errors in the product are even.

use hct_core::{
    EncodedFragment, EncodedPlane, Error, Gains, MatrixView, Preparation, Result, SparseFormat,
    Transform, TrellisAnalysis, add_product, encode_sparse,
};

use super::randomized::TruncatedSvd;
use crate::engine::{Effort, step_for};

/// Gains are in eighths of an octave, of which the format has this many.
const MAX_GAIN: f64 = 512.0;

/// A coded product and what decodes from it, with what it is added to.
pub(super) struct CodedFactors {
    pub fragment: EncodedFragment,
    pub sum: Vec<f32>,
}

/// All components as FP16, the singular values shared between both factors.
///
/// # Errors
/// When the product might leave the range of f32; no entry exceeds the first singular value by
/// more than the rounding of FP16.
pub(super) fn half(svd: &TruncatedSvd) -> Result<EncodedFragment> {
    let rank = svd.singular.len();
    let (magnitude, limit) = (svd.singular[0], f64::from(f32::MAX) / 2.0);
    if magnitude > limit {
        return Err(Error::TooLarge { magnitude, limit });
    }
    let weight = |i: usize| svd.singular[i].sqrt() as f32;
    let (left, right) = (columns(svd, rank, weight), rows_of(svd, rank, weight));
    let plane = |values: &[f32], rows: usize, cols: usize| {
        let matrix = MatrixView::from_values(values, rows, cols)?;
        let how = Preparation::tiled(Transform::None);
        encode_sparse(matrix, how, SparseFormat::Half, 1.0)
    };
    let (rows, cols) = (left.len() / rank, right.len() / rank);
    Ok(EncodedFragment::Product(
        plane(&left, rows, rank)?,
        plane(&right, rank, cols)?,
    ))
}

/// The first `rank` components with a mean squared error of `noise` in every value of U·S and of
/// S·Vᵀ, to be added to `start` or to zeros. The second factor is stored as Vᵀ with a gain per row.
///
/// # Errors
/// When the step, the factors or the sum are out of range (see [`Error::is_out_of_range`]);
/// code without factors then.
pub(super) fn quantized(
    svd: &TruncatedSvd,
    rank: usize,
    noise: f64,
    effort: Effort,
    start: Option<&[f32]>,
) -> Result<CodedFactors> {
    let left = columns(svd, rank, |i| svd.singular[i] as f32);
    let right = rows_of(svd, rank, |_| 1.0);
    finite(&left)?;
    let (rows, cols) = (left.len() / rank, right.len() / rank);
    let first = svd.singular[0];
    let gains = svd.singular[..rank]
        .iter()
        .map(|&s| (8.0 * libm::log2(first / s)).min(MAX_GAIN) as i32)
        .collect();
    let how = Preparation::tiled(Transform::None);
    let settings = effort.settings();
    let left = MatrixView::from_values(&left, rows, rank)?;
    let right = MatrixView::from_values(&right, rank, cols)?;
    let left = encode(&TrellisAnalysis::new(left, how, settings)?, noise)?;
    let right = TrellisAnalysis::with_gains(right, how, settings, Gains::of_rows(gains))?;
    let right = encode(&right, noise / (first * first))?;
    // Term by term onto the start, as decoders do.
    let mut sum = start.map_or_else(|| vec![0.0; rows * cols], <[f32]>::to_vec);
    add_product(&mut sum, &left.decode()?, &right.decode()?, rank, cols);
    finite(&sum)?;
    Ok(CodedFactors {
        fragment: EncodedFragment::Product(left, right),
        sum,
    })
}

fn encode(analysis: &TrellisAnalysis<'_>, distortion: f64) -> Result<EncodedPlane> {
    let guess = step_for(analysis, distortion);
    analysis.encode(guess.step, &guess.training)
}

fn finite(values: &[f32]) -> Result<()> {
    match values.iter().all(|v| v.is_finite()) {
        true => Ok(()),
        false => Err(Error::NotFinite),
    }
}

/// The first `rank` left vectors, each times its weight: rows × rank.
fn columns(svd: &TruncatedSvd, rank: usize, weight: impl Fn(usize) -> f32) -> Vec<f32> {
    let rows = svd.left.chunks_exact(svd.singular.len());
    rows.flat_map(|row| row[..rank].iter().enumerate().map(|(i, v)| v * weight(i)))
        .collect()
}

/// The first `rank` right vectors, each times its weight: rank × cols.
fn rows_of(svd: &TruncatedSvd, rank: usize, weight: impl Fn(usize) -> f32) -> Vec<f32> {
    let cols = svd.right.len() / svd.singular.len();
    let rows = svd.right.chunks_exact(cols).take(rank).enumerate();
    rows.flat_map(|(i, row)| {
        let weight = weight(i);
        row.iter().map(move |v| v * weight)
    })
    .collect()
}
