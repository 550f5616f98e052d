//! Where decoded elements go.

use std::ops::Range;

use crate::{Dtype, Error, Result, floats};

/// A place for decoded elements.
pub(super) enum Out<'a> {
    /// As they are in the tensor's dtype.
    Bytes(&'a mut [u8]),
    /// As numbers; of a codable dtype only.
    F32(&'a mut [f32]),
}

impl<'a> Out<'a> {
    /// The first `elements` elements, of whole bytes, and the rest.
    pub fn split_at(self, elements: usize, dtype: Dtype) -> (Self, Self) {
        match self {
            Out::Bytes(bytes) => {
                let (a, b) = bytes.split_at_mut(elements * (dtype.bits() / 8));
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
                    let (a, b) = out.split_at_mut(bytes);
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
            Out::Bytes(out) => {
                let n = out.len();
                out.copy_from_slice(&bytes[..n]);
            }
            Out::F32(out) => {
                let n = out.len() * dtype.bits() / 8;
                floats::to_f32(&bytes[..n], dtype, out);
            }
        }
    }

    /// The same output, to be written to for a while.
    pub fn again(&mut self) -> Out<'_> {
        match self {
            Out::Bytes(out) => Out::Bytes(out),
            Out::F32(out) => Out::F32(out),
        }
    }

    /// `len` elements from element `at` on.
    pub fn slice(self, at: usize, len: usize, dtype: Dtype) -> Out<'a> {
        let (_, rest) = self.split_at(at, dtype);
        rest.split_at(len, dtype).0
    }

    /// The elements that are there, values of `dtype`.
    pub fn get(&self, dtype: Dtype, values: &mut [f32]) {
        match self {
            Out::Bytes(out) => floats::to_f32(out, dtype, values),
            Out::F32(out) => values.copy_from_slice(out),
        }
    }

    /// Fills the output with `values`, rounded to `dtype`.
    pub fn put(self, values: &[f32], dtype: Dtype) {
        match self {
            Out::Bytes(out) => floats::from_f32(values, dtype, out),
            Out::F32(out) => {
                out.copy_from_slice(values);
                floats::round_to(out, dtype);
            }
        }
    }
}

/// Zeros, or an error instead of an abort when there is no memory for what a file claims.
pub(super) fn zeroed<T: Clone + Default>(n: u64) -> Result<Vec<T>> {
    let mut out = Vec::new();
    let too_large = || Error::invalid("tensor", format!("{n} elements do not fit in memory"));
    let n = usize::try_from(n).map_err(|_| too_large())?;
    out.try_reserve_exact(n).map_err(|_| too_large())?;
    out.resize(n, T::default());
    Ok(out)
}
