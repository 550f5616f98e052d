//! The exponent of a sparse tile: a power of two that all its values are relative to.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::{of_largest, write};

use crate::wire::{Reader, unzigzag};
use crate::{Error, Result};

/// 2^e exactly, for the exponents that occur in finite f32 values.
pub(crate) fn exp2i(e: i32) -> f64 {
    libm::ldexp(1.0, e)
}

/// Reads an exponent. They lie within the range of f32, subnormals included, less the 14 that
/// encoders leave to FP16.
///
/// # Errors
/// When it is out of range.
pub(crate) fn read(reader: &mut Reader<'_>) -> Result<i32> {
    let e = unzigzag(reader.varint()?);
    if (-164..=114).contains(&e) {
        Ok(e as i32)
    } else {
        Err(Error::invalid(
            "tile exponent",
            format!("{e} is out of range"),
        ))
    }
}

/// Nearest f32, the largest finite one instead of infinity: a reproduction point may lie half a
/// step above a value at the very end of the range.
#[inline(always)]
pub(crate) fn finite(v: f64) -> f32 {
    (v as f32).clamp(f32::MIN, f32::MAX)
}
