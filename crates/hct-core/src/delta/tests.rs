//! Round trips, and what is gained where something is to be gained.

use super::{DeltaDecoder, EncodedDelta, Layout, encode};
use crate::Dtype;

fn noise(i: usize) -> u32 {
    let s = (i as u32)
        .wrapping_mul(747_796_405)
        .wrapping_add(2_891_336_453);
    let s = ((s >> ((s >> 28) + 4)) ^ s).wrapping_mul(277_803_737);
    (s >> 22) ^ s
}

/// About Gaussian, of variance 1.
fn gaussian(i: usize) -> f32 {
    let sum: f32 = (0..12)
        .map(|k| noise(12 * i + k) as f32 / u32::MAX as f32)
        .sum();
    sum - 6.0
}

fn bytes_of(values: impl Iterator<Item = f32>, dtype: Dtype) -> Vec<u8> {
    let values: Vec<f32> = values.collect();
    let mut out = vec![0; values.len() * dtype.bits() / 8];
    crate::floats::from_f32(&values, dtype, &mut out);
    out
}

fn decode(coded: &EncodedDelta, base: &[u8], dtype: Dtype) -> Vec<u8> {
    let decoder = DeltaDecoder::new(&coded.common, dtype).unwrap();
    let mut out = vec![0; base.len()];
    let size = coded.tile_bytes as usize;
    assert_eq!(coded.tiles.len(), base.len().div_ceil(size));
    for ((tile, base), out) in coded
        .tiles
        .iter()
        .zip(base.chunks(size))
        .zip(out.chunks_mut(size))
    {
        decoder.tile(tile, base, out).unwrap();
    }
    out
}

/// Bits per element, after checking that everything comes back.
fn rate(bytes: &[u8], base: &[u8], dtype: Dtype, cols: usize) -> f64 {
    let coded = encode(bytes, base, dtype, cols).unwrap();
    assert!(decode(&coded, base, dtype) == bytes);
    let elements = bytes.len() / Layout::of(dtype).unwrap().bytes();
    coded.payload_bytes() as f64 * 8.0 / elements as f64
}

#[test]
fn anything_comes_back_for_every_type() {
    for &dtype in Dtype::ALL {
        let Some(layout) = Layout::of(dtype) else {
            assert!(encode(&[0; 8], &[0; 8], dtype, 1).is_none());
            continue;
        };
        for (n, cols) in [(1, 1), (7, 7), (1000, 10), (5000, 5000), (40_000, 200)] {
            let bytes = |seed: usize| -> Vec<u8> {
                (0..n * layout.bytes())
                    .map(|i| (noise(i + seed) >> (noise(i / 64 + seed) & 31)) as u8)
                    .collect()
            };
            let (base, other) = (bytes(1), bytes(2));
            rate(&other, &base, dtype, cols);
            rate(&base, &base, dtype, cols);
            rate(&vec![0; base.len()], &base, dtype, cols);
        }
    }
}

#[test]
fn nans_infinities_and_zeros_of_both_signs_come_back() {
    let odd = [
        0u32,
        0x8000_0000,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0001,
        0xffc0_1234,
        1,
        0x8000_0001,
        0x7f7f_ffff,
        0x3f80_0000,
        0xbf80_0000,
    ];
    let all = || odd.iter().flat_map(|&a| odd.iter().map(move |&b| (a, b)));
    let base: Vec<u8> = all().flat_map(|(a, _)| a.to_le_bytes()).collect();
    let other: Vec<u8> = all().flat_map(|(_, b)| b.to_le_bytes()).collect();
    rate(&other, &base, Dtype::F32, 11);
}

#[test]
fn equal_tensors_cost_next_to_nothing() {
    let base = bytes_of((0..1 << 20).map(gaussian), Dtype::F32);
    assert!(rate(&base, &base, Dtype::F32, 1024) < 0.01);
}

#[test]
fn a_small_step_costs_the_bits_that_it_changes() {
    // Steps of 1 % of the weights' standard deviation, ten times more in every fourth row.
    let n = 1 << 18;
    let (base, step) = (
        |i| 0.05 * gaussian(i),
        |i: usize| {
            let row = if (i / 512).is_multiple_of(4) {
                10.0
            } else {
                1.0
            };
            row * 5e-4 * gaussian(i + n)
        },
    );
    for (dtype, most) in [(Dtype::F32, 21.0), (Dtype::BF16, 5.5), (Dtype::F16, 8.0)] {
        let old = bytes_of((0..n).map(base), dtype);
        let new = bytes_of((0..n).map(|i| base(i) + step(i)), dtype);
        let bits = rate(&new, &old, dtype, 512);
        assert!(bits < most, "{dtype}: {bits}");
        // Nothing but noise is left: a step of σ costs log₂ σ/ulp + 2.05 bits where all ulps are
        // one, and they are not.
        assert!(bits > most - 2.5, "{dtype}: {bits}");
    }
}

#[test]
fn pruning_costs_its_mask_at_most() {
    let n = 1 << 18;
    let base = bytes_of((0..n).map(gaussian), Dtype::F32);
    for by_size in [true, false] {
        let pruned = bytes_of(
            (0..n).map(|i| {
                let cut = if by_size {
                    gaussian(i).abs() < 0.6745
                } else {
                    noise(i + 77) & 1 == 0
                };
                // As a mask leaves it: zeros keep their sign.
                gaussian(i) * if cut { 0.0 } else { 1.0 }
            }),
            Dtype::F32,
        );
        let bits = rate(&pruned, &base, Dtype::F32, 512);
        let most = if by_size { 0.45 } else { 1.02 };
        assert!(bits < most, "{bits}");
    }
}

#[test]
fn decay_in_whole_units_costs_what_the_other_rows_do() {
    // AdamW at a rate and decay whose product is about a unit in the last place a step.
    let (rows, cols) = (1024, 256);
    let old: Vec<f32> = (0..rows * cols).map(|i| 0.05 * gaussian(i)).collect();
    let old = old
        .iter()
        .map(|&v| half::f16::from_f32(v).to_f32())
        .collect::<Vec<_>>();
    let trained = |i: usize| i / cols % 16 == 3;
    let new: Vec<f32> = old
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            let mut w = v;
            for step in 0..300 {
                w -= w * 2e-7 * (1.0 - step as f32 / 300.0);
            }
            w + if trained(i) {
                1e-3 * gaussian(i + 9)
            } else {
                0.0
            }
        })
        .collect();
    let old = bytes_of(old.into_iter(), Dtype::F32);
    let new = bytes_of(new.into_iter(), Dtype::F32);
    let bits = rate(&new, &old, Dtype::F32, cols);
    // A sixteenth of the rows at some 20 bits, the others about nothing.
    assert!(bits < 2.0, "{bits}");
}

#[test]
fn bit_fields_are_combined_by_exclusive_or() {
    // One bit of every byte flips with the same chance, wherever it is.
    let n = 1 << 16;
    let base: Vec<u8> = (0..n).map(|i| noise(i) as u8).collect();
    let new: Vec<u8> = (0..n)
        .map(|i| {
            base[i]
                ^ if noise(i + n).is_multiple_of(8) {
                    0x10
                } else {
                    0
                }
        })
        .collect();
    let bits = rate(&new, &base, Dtype::U8, 256);
    // The entropy, and two raw bits for one element in eight. Differences have a sign besides.
    assert!(bits < 0.82, "{bits}");
}

#[test]
fn damage_is_found_or_harmless() {
    let base = bytes_of((0..4096).map(gaussian), Dtype::F32);
    let new = bytes_of((0..4096).map(|i| gaussian(i) * 1.01), Dtype::F32);
    let coded = encode(&new, &base, Dtype::F32, 64).unwrap();
    let mut out = vec![0; base.len()];
    for i in 0..coded.common.len() {
        let mut common = coded.common.clone();
        common[i] ^= 1 << (i % 8);
        if let Ok(decoder) = DeltaDecoder::new(&common, Dtype::F32) {
            drop(decoder.tile(&coded.tiles[0], &base, &mut out));
        }
        assert!(DeltaDecoder::new(&coded.common[..i], Dtype::F32).is_err());
    }
    let decoder = DeltaDecoder::new(&coded.common, Dtype::F32).unwrap();
    for i in (0..coded.tiles[0].len()).step_by(7) {
        let mut tile = coded.tiles[0].clone();
        tile[i] ^= 1 << (i % 8);
        drop(decoder.tile(&tile, &base, &mut out));
        assert!(decoder.tile(&coded.tiles[0][..i], &base, &mut out).is_err());
    }
    assert!(decoder.tile(&coded.tiles[0], &base[4..], &mut out).is_err());
}
