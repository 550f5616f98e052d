//! FP16 quantizer: kept values as half-precision numbers relative to the tile's largest.

use half::f16;

use crate::floats::to_half;
use crate::quant::block::{exp2i, exponent, finite, read_exponent};
use crate::quant::positions;
use crate::wire::{Reader, put_varint, zigzag};
use crate::{Dtype, Error, Result, lossless};

/// Encodes the kept values of a tile whose rows are `row` long.
pub(crate) fn encode(values: &[f32], mask: &[bool], row: usize) -> Vec<u8> {
    let mut out = Vec::new();
    positions::encode(mask, row, &mut out);
    let kept = || {
        values
            .iter()
            .zip(mask)
            .filter(|&(_, &k)| k)
            .map(|(&v, _)| v)
    };
    let e = exponent(kept().fold(0.0, |m, v| v.abs().max(m)));
    put_varint(&mut out, zigzag(e.into()));
    let unit = exp2i(-e);
    let halves: Vec<u8> = kept()
        .flat_map(|v| {
            to_half((f64::from(v) * unit) as f32)
                .to_bits()
                .to_le_bytes()
        })
        .collect();
    out.extend(lossless::encode_tile(&halves, Dtype::F16));
    out
}

/// Bytes of a tile's positions; the rest is values.
pub(crate) fn position_bytes(payload: &[u8]) -> Result<usize> {
    positions::skip(&mut Reader::new(payload, "FP16 tile"))
}

/// Decodes a tile into `out`; dropped values become 0.
///
/// # Errors
/// When the payload is not what [`encode`] makes.
pub(crate) fn decode(payload: &[u8], row: usize, out: &mut [f32]) -> Result<()> {
    let mut r = Reader::new(payload, "FP16 tile");
    let mask = positions::decode(&mut r, out.len(), row)?;
    let kept = mask.iter().filter(|&&k| k).count();
    let unit = exp2i(read_exponent(&mut r)?);
    let mut bytes = vec![0; 2 * kept];
    lossless::decode_tile(r.rest(), Dtype::F16, &mut bytes)?;
    let mut halves = bytes
        .chunks_exact(2)
        .map(|b| f16::from_le_bytes([b[0], b[1]]));
    for (v, &keep) in out.iter_mut().zip(&mask) {
        let h = if keep {
            halves.next().unwrap_or_default()
        } else {
            f16::ZERO
        };
        if !h.is_finite() {
            return Err(Error::invalid("FP16 value", "is not finite"));
        }
        *v = finite(h.to_f64() * unit);
    }
    Ok(())
}
