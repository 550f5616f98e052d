//! Encoding tiles of block integers.

use half::f16;

use super::values::place;
use super::{BLOCK, CODED, RAW, predicted, scale_of, updated};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::floats::to_half;
use crate::kernels::truncate::truncated_f64;
use crate::magnitudes::largest;
use crate::quant::exponent::{self, exp2i};
use crate::quant::{kept, positions};
use crate::recipe::BlockBits;
use crate::simd::multiversion;
use crate::wire::{put_blob, put_varint};

impl BlockBits {
    /// Length of what [`BlockBits::pack`] makes of `n` symbols.
    fn packed_len(self, n: usize) -> usize {
        match self {
            BlockBits::Int8 => n,
            BlockBits::Int4 => n.div_ceil(2),
        }
    }

    fn pack(self, symbols: &[u8]) -> Vec<u8> {
        match self {
            BlockBits::Int8 => symbols.to_vec(),
            BlockBits::Int4 => symbols
                .chunks(2)
                .map(|p| p[0] | p.get(1).map_or(0, |&b| b << 4))
                .collect(),
        }
    }
}

/// Encodes the kept values of a tile whose rows are `row` long; `back` becomes what decodes.
pub(crate) fn encode(
    values: &[f32],
    mask: &[bool],
    row: usize,
    bits: BlockBits,
    back: &mut [f32],
) -> Vec<u8> {
    let mut out = Vec::new();
    positions::encode::encode(mask, row, &mut out);
    let kept = kept::gather(values, mask);
    let e = exponent::of_largest(largest(&kept));
    exponent::write(e, &mut out);
    let (scales, symbols) = quantize(&kept, e, bits);
    put_varint(&mut out, scales.len() as u64);
    put_scales(&mut out, &scales);
    put_symbols(&mut out, &symbols, bits);
    let scales: Vec<f64> = scales.into_iter().map(scale_of).collect();
    place(&symbols, &scales, exp2i(e), bits.max(), mask, back);
    out
}

fn quantize(kept: &[f32], e: i32, bits: BlockBits) -> (Vec<u16>, Vec<u8>) {
    let unit = exp2i(-e);
    let mut scales = Vec::with_capacity(kept.len().div_ceil(BLOCK));
    let mut symbols = vec![0; kept.len()];
    for (block, symbols) in kept.chunks(BLOCK).zip(symbols.chunks_mut(BLOCK)) {
        let max = f64::from(largest(block));
        let scale = scale_above(max * unit / f64::from(bits.max()));
        scales.push(scale.to_bits());
        let inverse = if scale == f16::ZERO {
            0.0
        } else {
            1.0 / scale.to_f64()
        };
        indices(block, unit, inverse, bits.max(), symbols);
    }
    (scales, symbols)
}

multiversion! {
    /// Symbols of a block: multiples of its scale, whose inverse is given.
    fn indices(block: &[f32], unit: f64, inverse: f64, max: i32, symbols: &mut [u8]) = indices_body;
}

#[inline(always)]
fn indices_body(block: &[f32], unit: f64, inverse: f64, max: i32, symbols: &mut [u8]) {
    let symbol = |v: f32| {
        let k = rounded(f64::from(v) * unit * inverse);
        debug_assert!(k.abs() <= max, "a scale rounded up cannot clip");
        (k + max) as u8
    };
    // Of a length that the compiler knows, unless it is the last.
    let whole = <&[f32; BLOCK]>::try_from(block);
    match (whole, <&mut [u8; BLOCK]>::try_from(&mut *symbols)) {
        (Ok(block), Ok(symbols)) => {
            let pairs = symbols.iter_mut().zip(block);
            pairs.for_each(|(s, &v)| *s = symbol(v));
        }
        _ => {
            let pairs = symbols.iter_mut().zip(block);
            pairs.for_each(|(s, &v)| *s = symbol(v));
        }
    }
}

/// The nearest integer, of two the one further from zero: what `libm::round` gives, without a call.
#[inline(always)]
fn rounded(x: f64) -> i32 {
    // With a whole half, the number just below 0.5 would become 1.
    truncated_f64(x + 0.5f64.next_down().copysign(x))
}

/// The smallest FP16 value not below `x`.
fn scale_above(x: f64) -> f16 {
    let nearest = to_half(x as f32);
    if nearest.to_f64() < x {
        f16::from_bits(nearest.to_bits() + 1)
    } else {
        nearest
    }
}

fn put_scales(out: &mut Vec<u8>, scales: &[u16]) {
    let mut enc = Encoder::new();
    let mut model = UintModel::new();
    let mut mean = 0i64;
    for (i, &s) in scales.iter().enumerate() {
        model.encode_signed(&mut enc, i64::from(s) - predicted(mean));
        mean = updated(mean, i, s);
    }
    let coded = enc.finish();
    if coded.len() < 2 * scales.len() {
        out.push(CODED);
        put_blob(out, &coded);
    } else {
        out.push(RAW);
        scales
            .iter()
            .for_each(|s| out.extend_from_slice(&s.to_le_bytes()));
    }
}

fn put_symbols(out: &mut Vec<u8>, symbols: &[u8], bits: BlockBits) {
    if !symbols.is_empty() {
        let table = FreqTable::from_counts(&counts(symbols, bits.symbols()));
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        let mut coded = Vec::new();
        put_blob(&mut coded, &enc.finish());
        coded.extend(symbols::encode(
            symbols,
            std::slice::from_ref(&table),
            |_| 0,
        ));
        if coded.len() < bits.packed_len(symbols.len()) {
            out.push(CODED);
            out.extend(coded);
            return;
        }
    }
    out.push(RAW);
    out.extend(bits.pack(symbols));
}

/// How often each of `n` symbols occurs.
fn counts(symbols: &[u8], n: usize) -> Vec<u64> {
    // Counted by turns, since equal symbols would wait for each other.
    let mut turns = [[0u32; 256]; 4];
    let (fours, rest) = symbols.as_chunks::<4>();
    for four in fours {
        for (counts, &s) in turns.iter_mut().zip(four) {
            counts[usize::from(s)] += 1;
        }
    }
    rest.iter().for_each(|&s| turns[0][usize::from(s)] += 1);
    let sum = |s: usize| turns.iter().map(|counts| u64::from(counts[s])).sum();
    (0..n).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::block::decode;

    /// What comes back of `values`, all kept.
    fn coded(values: &[f32], row: usize, bits: BlockBits) -> Vec<f32> {
        let mask = vec![true; values.len()];
        let (mut back, mut out) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        let payload = encode(values, &mask, row, bits, &mut back);
        decode(&payload, row, bits, &mut out).unwrap();
        assert_eq!(back, out, "what the encoder says decodes does not");
        out
    }

    #[test]
    fn encoders_know_what_decodes_wherever_the_gaps_are() {
        let noise = |i: usize| f64::from((i as u32).wrapping_mul(2_654_435_761) >> 8);
        for n in [1, 31, 32, 33, 1023, 1024, 1025, 5000] {
            for density in [0.0, 0.03, 0.5, 0.98, 1.0] {
                for bits in [BlockBits::Int4, BlockBits::Int8] {
                    let unit = |i: usize| noise(i) / f64::from(1 << 24);
                    let mask: Vec<bool> = (0..n).map(|i| unit(i + 1) < density).collect();
                    let values: Vec<f32> = (0..n).map(|i| unit(i + n) as f32 - 0.5).collect();
                    let (mut back, mut out) = (vec![7.0; n], vec![7.0; n]);
                    let payload = encode(&values, &mask, 24, bits, &mut back);
                    decode(&payload, 24, bits, &mut out).unwrap();
                    let of = |v: &[f32]| -> Vec<u32> { v.iter().map(|v| v.to_bits()).collect() };
                    assert_eq!(of(&back), of(&out));
                    let largest = values.iter().fold(0f32, |m, v| v.abs().max(m));
                    for ((v, back), keep) in values.iter().zip(&back).zip(mask) {
                        let near = (v - back).abs() <= 0.55 * largest / bits.max() as f32;
                        assert!(if keep { near } else { back.to_bits() == 0 });
                    }
                }
            }
        }
    }

    #[test]
    fn rounding_is_that_of_libm() {
        for i in 0..=20_000 {
            let near = f64::from(i - 10_000) / 64.0;
            for x in [near.next_down(), near, near.next_up()] {
                assert_eq!(rounded(x), libm::round(x) as i32, "{x}");
            }
        }
    }

    #[test]
    fn scales_are_what_half_says_they_are() {
        for b in 0..0x7c00 {
            assert_eq!(scale_of(b), f16::from_bits(b).to_f64());
        }
    }

    #[test]
    fn no_value_is_clipped_whatever_its_size() {
        let mut values: Vec<f32> = (0..1000)
            .map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0)
            .collect();
        values[10] = 1e6;
        values[500] = -3e-39;
        for bits in [BlockBits::Int4, BlockBits::Int8] {
            let out = coded(&values, 100, bits);
            for (block, back) in values.chunks(BLOCK).zip(out.chunks(BLOCK)) {
                let max = block.iter().fold(0f32, |m, v| v.abs().max(m));
                // Scales far below the tile's largest are subnormal and coarser.
                let half_step = 0.55 * max / bits.max() as f32;
                for (a, b) in block.iter().zip(back) {
                    assert!((a - b).abs() <= half_step, "{a} became {b}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_f32_range_stay_finite() {
        let values = [f32::MAX, f32::MIN, -f32::MAX, 1e38];
        let out = coded(&values, 4, BlockBits::Int4);
        assert!(
            out.iter()
                .zip(values)
                .all(|(o, v)| o.is_finite() && (o / v - 1.0).abs() < 0.3)
        );
        let tiny = [
            f32::from_bits(1),
            -f32::from_bits(7),
            0.0,
            f32::from_bits(3),
        ];
        let out = coded(&tiny, 4, BlockBits::Int8);
        assert_eq!(out[1].to_bits(), tiny[1].to_bits());
    }

    #[test]
    fn entropy_coding_saves_on_the_raw_four_and_a_half_bits() {
        let values: Vec<f32> = (0..1 << 16)
            .map(|i: u32| {
                (0..6)
                    .map(|j| (i * 6 + j).wrapping_mul(2_654_435_761) >> 16)
                    .sum::<u32>() as f32
                    / 65536.0
                    - 3.0
            })
            .collect();
        let mut back = vec![0.0; values.len()];
        let mask = vec![true; values.len()];
        let payload = encode(&values, &mask, 256, BlockBits::Int4, &mut back);
        let bpw = payload.len() as f64 * 8.0 / values.len() as f64;
        assert!(bpw < 4.1, "{bpw}");
    }
}
