//! Measuring and writing column means.

use super::MAX_MULTIPLE;
use crate::entropy::binary::{Encoder, UintModel};
use crate::matrix::MatrixView;
use crate::wire::put_blob;

/// Means of the columns of `matrix`, rounded to multiples of a unit, 1/64 of the root mean square
/// of the matrix, as (multiples, unit).
pub(crate) fn measure(matrix: &MatrixView<'_>) -> (Vec<i64>, f32) {
    let moments = matrix.moments();
    let rms = moments.energy.sqrt();
    // A mean estimated from so many rows is not known better than this anyway.
    let unit = (rms / 64.0).max(f64::from(f32::MIN_POSITIVE)) as f32;
    let multiples = moments
        .means
        .iter()
        .map(|mean| (libm::round(mean / f64::from(unit)) as i64).clamp(-MAX_MULTIPLE, MAX_MULTIPLE))
        .collect();
    (multiples, unit)
}

/// The values that multiples of a unit stand for.
pub(crate) fn values(multiples: &[i64], unit: f32) -> Vec<f32> {
    multiples.iter().map(|&m| m as f32 * unit).collect()
}

/// Inverse of [`super::read`].
pub(crate) fn write(out: &mut Vec<u8>, multiples: &[i64], unit: f32) {
    let mut enc = Encoder::new();
    let mut model = UintModel::new();
    multiples
        .iter()
        .for_each(|&m| model.encode_signed(&mut enc, m));
    out.extend_from_slice(&unit.to_le_bytes());
    put_blob(out, &enc.finish());
}
