//! What differences would take if nothing but their size were known.

use anyhow::{Context, Result};
use hct_core::{Dtype, MatrixView, fold};
use hct_model::TensorSource;

use crate::pair::Pair;

/// Width of a bin of differences, in root mean squares of their row.
const BIN: f64 = 0.02;
/// Bins to each side; what is further out is in the last.
const BINS: i32 = 400;

/// Bits per weight that the differences of all F32 matrices take as independent values of one
/// distribution for each matrix, scaled by the root mean square of their row: scales and
/// distributions known to the decoder for nothing. The step of a value is its unit in the last
/// place. None where a matrix is of another type, whose steps are not small beside differences.
pub fn independent_bits(pair: &Pair, matrices: &[usize]) -> Result<Option<f64>> {
    let (mut bits, mut weights) = (0.0, 0.0);
    for &i in matrices {
        let info = &pair.model.checkpoint.tensors()[i];
        let partner = pair.original.tensors().iter().position(|t| t == info);
        let Some(partner) = partner.filter(|_| info.dtype == Dtype::F32) else {
            return Ok(None);
        };
        let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
        let (own, base) = (pair.model.checkpoint.read(i)?, pair.original.read(partner)?);
        let own = MatrixView::from_bytes(&own, info.dtype, rows, cols)?;
        let base = MatrixView::from_bytes(&base, info.dtype, rows, cols)?;
        bits += of_matrix(&own, &base);
        weights += (rows * cols) as f64;
    }
    Ok((weights > 0.0).then(|| bits / weights))
}

/// The same of one matrix, in bits.
fn of_matrix(own: &MatrixView<'_>, base: &MatrixView<'_>) -> f64 {
    let (mut w, mut b) = (vec![0f32; own.cols()], vec![0f32; own.cols()]);
    let mut histogram = vec![0u64; 2 * BINS as usize + 1];
    let mut steps = 0.0;
    for row in 0..own.rows() {
        own.read(row * own.cols(), &mut w);
        base.read(row * own.cols(), &mut b);
        let difference = |(w, b): (&f32, &f32)| f64::from(*w) - f64::from(*b);
        let squares: f64 = w.iter().zip(&b).map(|p| difference(p).powi(2)).sum();
        let scale = (squares / w.len() as f64).sqrt();
        if scale == 0.0 {
            continue;
        }
        for pair in w.iter().zip(&b) {
            let bin = (difference(pair) / scale / BIN).round();
            let bin = bin.clamp(-f64::from(BINS), f64::from(BINS)) as i32;
            histogram[(bin + BINS) as usize] += 1;
            steps += libm::log2(scale * BIN / unit(*pair.0));
        }
    }
    let n = histogram.iter().sum::<u64>() as f64;
    let seen = histogram.iter().filter(|&&count| count > 0);
    let entropy = seen.map(|&count| -(count as f64) * libm::log2(count as f64 / n));
    steps + entropy.sum::<f64>()
}

/// The unit in the last place of an F32.
fn unit(value: f32) -> f64 {
    let exponent = (value.to_bits() >> 23 & 255).max(1) as f64;
    libm::exp2(exponent - 127.0 - 23.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gaussian::seeded_gaussian;

    #[test]
    fn gaussian_differences_take_their_entropy() {
        let (rows, cols) = (256, 512);
        let base = vec![1.5f32; rows * cols];
        let moved = seeded_gaussian(rows * cols, 3);
        let own: Vec<f32> = base.iter().zip(moved).map(|(b, m)| b + 0.01 * m).collect();
        let view = |values| MatrixView::from_values(values, rows, cols).unwrap();
        let bits = of_matrix(&view(&own), &view(&base)) / (rows * cols) as f64;
        // ½·log₂(2πe·σ²) of steps of 2⁻²³, but for what rows tell of their own scale.
        let expected = 2.0471 + libm::log2(0.01) + 23.0;
        assert!((bits - expected).abs() < 0.01, "{bits} for {expected}");
        assert_eq!(unit(1.5), libm::exp2(-23.0));
    }
}
