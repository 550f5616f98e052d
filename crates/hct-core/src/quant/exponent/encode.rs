//! Choosing and writing the exponent of a tile.

use crate::wire::{put_varint, zigzag};

/// The power of two that brings `max` to the top of the FP16 range, so that 38 octaves below it
/// still have scales.
pub(crate) fn of_largest(max: f32) -> i32 {
    if max == 0.0 {
        0
    } else {
        libm::ilogbf(max) - 14
    }
}

/// Inverse of [`super::read`].
pub(crate) fn write(e: i32, out: &mut Vec<u8>) {
    put_varint(out, zigzag(e.into()));
}
