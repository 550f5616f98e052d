//! Encoding tiles of block integers.

use half::f16;

use super::{BLOCK, CODED, RAW, predicted, updated};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::floats::to_half;
use crate::quant::exponent::{self, exp2i};
use crate::quant::positions;
use crate::recipe::BlockBits;
use crate::wire::{put_blob, put_varint};

impl BlockBits {
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

/// Encodes the kept values of a tile whose rows are `row` long.
pub(crate) fn encode(values: &[f32], mask: &[bool], row: usize, bits: BlockBits) -> Vec<u8> {
    let mut out = Vec::new();
    positions::encode::encode(mask, row, &mut out);
    let kept: Vec<f32> = values
        .iter()
        .zip(mask)
        .filter(|&(_, &k)| k)
        .map(|(&v, _)| v)
        .collect();
    let e = exponent::of_largest(kept.iter().fold(0.0, |m, v| v.abs().max(m)));
    exponent::write(e, &mut out);
    let (scales, symbols) = quantize(&kept, e, bits);
    put_varint(&mut out, scales.len() as u64);
    put_scales(&mut out, &scales);
    put_symbols(&mut out, &symbols, bits);
    out
}

fn quantize(kept: &[f32], e: i32, bits: BlockBits) -> (Vec<u16>, Vec<u8>) {
    let unit = exp2i(-e);
    let max_index = bits.max();
    let mut scales = Vec::with_capacity(kept.len().div_ceil(BLOCK));
    let mut symbols = Vec::with_capacity(kept.len());
    for block in kept.chunks(BLOCK) {
        let max = block.iter().fold(0f32, |m, v| v.abs().max(m));
        let scale = scale_above(f64::from(max) * unit / f64::from(max_index));
        scales.push(scale.to_bits());
        let inverse = if scale == f16::ZERO {
            0.0
        } else {
            1.0 / scale.to_f64()
        };
        symbols.extend(block.iter().map(|&v| {
            let k = libm::round(f64::from(v) * unit * inverse) as i32;
            debug_assert!(k.abs() <= max_index, "a scale rounded up cannot clip");
            (k + max_index) as u8
        }));
    }
    (scales, symbols)
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
    let packed = bits.pack(symbols);
    let mut counts = vec![0u64; bits.symbols()];
    symbols.iter().for_each(|&s| counts[usize::from(s)] += 1);
    if !symbols.is_empty() {
        let table = FreqTable::from_counts(&counts);
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        let mut coded = Vec::new();
        put_blob(&mut coded, &enc.finish());
        coded.extend(symbols::encode(
            symbols,
            std::slice::from_ref(&table),
            |_| 0,
        ));
        if coded.len() < packed.len() {
            out.push(CODED);
            out.extend(coded);
            return;
        }
    }
    out.push(RAW);
    out.extend(packed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::block::decode;

    #[test]
    fn no_value_is_clipped_whatever_its_size() {
        let mut values: Vec<f32> = (0..1000)
            .map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0)
            .collect();
        values[10] = 1e6;
        values[500] = -3e-39;
        for bits in [BlockBits::Int4, BlockBits::Int8] {
            let payload = encode(&values, &[true; 1000], 100, bits);
            let mut out = vec![0.0; 1000];
            decode(&payload, 100, bits, &mut out).unwrap();
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
        let mut out = [0.0; 4];
        decode(
            &encode(&values, &[true; 4], 4, BlockBits::Int4),
            4,
            BlockBits::Int4,
            &mut out,
        )
        .unwrap();
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
        decode(
            &encode(&tiny, &[true; 4], 4, BlockBits::Int8),
            4,
            BlockBits::Int8,
            &mut out,
        )
        .unwrap();
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
        let payload = encode(&values, &vec![true; values.len()], 256, BlockBits::Int4);
        let bpw = payload.len() as f64 * 8.0 / values.len() as f64;
        assert!(bpw < 4.1, "{bpw}");
    }
}
