//! Encoding tiles of FP16 numbers.

use crate::floats::to_half;
use crate::quant::exponent::{self, exp2i};
use crate::quant::positions;
use crate::{Dtype, lossless};

/// Encodes the kept values of a tile whose rows are `row` long.
pub(crate) fn encode(values: &[f32], mask: &[bool], row: usize) -> Vec<u8> {
    let mut out = Vec::new();
    positions::encode::encode(mask, row, &mut out);
    let kept = || {
        values
            .iter()
            .zip(mask)
            .filter(|&(_, &k)| k)
            .map(|(&v, _)| v)
    };
    let e = exponent::of_largest(kept().fold(0.0, |m, v| v.abs().max(m)));
    exponent::write(e, &mut out);
    let unit = exp2i(-e);
    let halves: Vec<u8> = kept()
        .flat_map(|v| {
            to_half((f64::from(v) * unit) as f32)
                .to_bits()
                .to_le_bytes()
        })
        .collect();
    out.extend(lossless::encode_smallest_tile(&halves, Dtype::F16));
    out
}
