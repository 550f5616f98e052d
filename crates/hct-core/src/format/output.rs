//! Where decoded elements go: bytes or numbers, there already or new.

use std::ops::Range;

use bytemuck::Zeroable;
use bytemuck::allocation::try_zeroed_vec;

use crate::kernels::fresh::{self, Room};
use crate::{Dtype, Error, Result, floats};

/// Where decoded elements go.
pub(super) enum Out<'a> {
    /// As they are in the tensor's dtype.
    Bytes(Room<'a>),
    /// As numbers; of a codable dtype only.
    F32(&'a mut [f32]),
}

impl<'a> Out<'a> {
    /// The first `elements` elements, of whole bytes, and the rest.
    pub fn split_at(self, elements: usize, dtype: Dtype) -> (Self, Self) {
        match self {
            Out::Bytes(bytes) => {
                let (a, b) = bytes.split_at(elements * (dtype.bits() / 8));
                (Out::Bytes(a), Out::Bytes(b))
            }
            Out::F32(values) => {
                let (a, b) = values.split_at_mut(elements);
                (Out::F32(a), Out::F32(b))
            }
        }
    }

    /// Cuts the output, which is to hold bytes `range` of a whole, at multiples of `size` bytes:
    /// for each piece the tile's number, at which byte of the tile it begins, and the piece.
    pub fn split(self, range: Range<u64>, size: u64, dtype: Dtype) -> Vec<(usize, usize, Self)> {
        let mut pieces = Vec::new();
        let (mut rest, mut at) = (self, range.start);
        while at < range.end {
            let tile = at / size;
            let end = ((tile + 1) * size).min(range.end);
            let bytes = (end - at) as usize;
            let (piece, after) = match rest {
                Out::Bytes(out) => {
                    let (a, b) = out.split_at(bytes);
                    (Out::Bytes(a), Out::Bytes(b))
                }
                out => out.split_at(bytes / (dtype.bits() / 8), dtype),
            };
            pieces.push((tile as usize, (at - tile * size) as usize, piece));
            rest = after;
            at = end;
        }
        pieces
    }

    /// Fills the output with the first of `bytes`, elements of `dtype`.
    pub fn copy(self, bytes: &[u8], dtype: Dtype) {
        match self {
            Out::Bytes(mut out) => {
                let n = out.len();
                out.all().copy_from_slice(&bytes[..n]);
            }
            Out::F32(out) => {
                let n = out.len() * dtype.bits() / 8;
                floats::to_f32(&bytes[..n], dtype, out);
            }
        }
    }

    /// Fills the output with `values`, rounded to `dtype`.
    pub fn put(self, values: &[f32], dtype: Dtype) {
        match self {
            Out::Bytes(mut out) => floats::from_f32(values, dtype, out.all()),
            Out::F32(out) => {
                out.copy_from_slice(values);
                floats::round_to(out, dtype);
            }
        }
    }
}

/// A vector of the bytes that `fill` fills, or an error instead of an abort as with [`zeroed`].
pub(super) fn filled(n: u64, fill: impl FnOnce(Room<'_>) -> Result<()>) -> Result<Vec<u8>> {
    let too_large = || Error::invalid("tensor", format!("{n} bytes do not fit in memory"));
    let mut out = Vec::new();
    let n = usize::try_from(n).map_err(|_| too_large())?;
    out.try_reserve_exact(n).map_err(|_| too_large())?;
    fresh::fill(&mut out, n, |out| fill(Room::Fresh(out)))?;
    Ok(out)
}

/// Zeros, or an error instead of an abort when there is no memory for what a file claims. They are
/// fresh pages, not written once more.
pub(super) fn zeroed<T: Zeroable>(n: u64) -> Result<Vec<T>> {
    let too_large = || Error::invalid("tensor", format!("{n} elements do not fit in memory"));
    let n = usize::try_from(n).map_err(|_| too_large())?;
    try_zeroed_vec(n).map_err(|()| too_large())
}
