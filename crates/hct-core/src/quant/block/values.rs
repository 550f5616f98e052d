//! From symbols and scales to values.

use crate::quant::exponent::finite;
use crate::quant::kept;
use crate::simd::multiversion;

/// Kept values that share a scale.
pub(crate) const BLOCK: usize = 32;
/// Values of a tile that are put in place together, while they are in the nearest cache.
const STRETCH: usize = 1024;

/// Puts the kept values of a tile in place: `scales`, one a block, times `unit` are steps; symbol
/// `max` is zero.
pub(super) fn place(
    symbols: &[u8],
    scales: &[f64],
    unit: f64,
    max: i32,
    mask: &[bool],
    out: &mut [f32],
) {
    // Blocks begin before a stretch does and end after it; one more as `spread` asks.
    let mut values = [0f32; STRETCH + 2 * BLOCK + 1];
    let mut from = 0;
    for (out, mask) in out.chunks_mut(STRETCH).zip(mask.chunks(STRETCH)) {
        let to = from + kept::count(mask);
        let start = from / BLOCK * BLOCK;
        let end = to.next_multiple_of(BLOCK).min(symbols.len());
        let symbols = &symbols[start..end];
        let scales = &scales[start / BLOCK..];
        dequantize(symbols, scales, unit, max, &mut values);
        kept::spread(&values[from - start..], mask, out);
        from = to;
    }
}

multiversion! {
    fn dequantize(symbols: &[u8], scales: &[f64], unit: f64, max: i32, out: &mut [f32]) =
        dequantize_body;
}

#[inline(always)]
fn dequantize_body(symbols: &[u8], scales: &[f64], unit: f64, max: i32, out: &mut [f32]) {
    let value = |symbol: u8, step: f64| finite(f64::from(i32::from(symbol) - max) * step);
    let (blocks, rest) = symbols.as_chunks::<BLOCK>();
    let (whole, after) = out.as_chunks_mut::<BLOCK>();
    for ((out, block), scale) in whole.iter_mut().zip(blocks).zip(scales) {
        let step = scale * unit;
        for (v, &k) in out.iter_mut().zip(block) {
            *v = value(k, step);
        }
    }
    if let Some(scale) = scales.get(blocks.len()) {
        let out = match whole.get_mut(blocks.len()) {
            Some(block) => &mut block[..],
            None => after,
        };
        for (v, &k) in out.iter_mut().zip(rest) {
            *v = value(k, scale * unit);
        }
    }
}
