//! Column means, coded as integer multiples of a unit.

#[cfg(feature = "encode")]
pub(crate) mod encode;

use crate::entropy::binary::{Decoder, UintModel};
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Error, Result};

/// Largest integer of a mean; their products with the unit stay exact enough in f32.
const MAX_MULTIPLE: i64 = 1 << 24;

/// Reads the means of `cols` columns.
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
