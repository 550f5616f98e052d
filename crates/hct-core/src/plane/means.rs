//! Column means, coded as integer multiples of a unit.

use crate::entropy::binary::{Decoder, Encoder, UintModel};
use crate::matrix::MatrixView;
use crate::sections::{Section, Sections};
use crate::wire::{Reader, put_blob};
use crate::{Error, Result};

/// Largest integer of a mean; their products with the unit stay exact enough in f32.
const MAX_MULTIPLE: i64 = 1 << 24;

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

pub(crate) fn write(out: &mut Vec<u8>, multiples: &[i64], unit: f32) {
    let mut enc = Encoder::new();
    let mut model = UintModel::new();
    multiples
        .iter()
        .for_each(|&m| model.encode_signed(&mut enc, m));
    out.extend_from_slice(&unit.to_le_bytes());
    put_blob(out, &enc.finish());
}

/// Inverse of [`write`], as values.
///
/// # Errors
/// When the unit is not a positive number or the data end early.
pub(crate) fn read(reader: &mut Reader<'_>, cols: usize) -> Result<Vec<f32>> {
    let unit = reader.f32()?;
    if !(unit.is_finite() && unit > 0.0) {
        return Err(Error::invalid("mean unit", "is not a positive number"));
    }
    let mut dec = Decoder::new(reader.blob()?);
    let mut model = UintModel::new();
    let mut out = Vec::with_capacity(cols);
    for _ in 0..cols {
        let m = model.decode_signed(&mut dec);
        if m.unsigned_abs() > MAX_MULTIPLE as u64 || dec.exhausted() {
            return Err(Error::invalid("column mean", "out of range or cut short"));
        }
        out.push(m as f32 * unit);
    }
    dec.finish("column means")?;
    Ok(out)
}

/// Adds the sections of the means and steps over them.
pub(crate) fn sections(reader: &mut Reader<'_>, out: &mut Sections) -> Result<()> {
    reader.f32()?;
    out.add(Section::Scales, 4 + reader.blob()?.len() as u64);
    Ok(())
}
