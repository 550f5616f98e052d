//! Tiles of all codings, and joint tiles that no encoder makes.

use super::joint::{self, JOINT};
use super::planes::PLANE_WIDE;
use super::{PLANES, decode_tile, encode_tile};
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::simd::same_at_every_level;
use crate::wire::put_blob;
use crate::{Dtype, Result};

/// Nearly Gaussian.
fn weight(i: usize) -> f32 {
    let mut s = i as u32 ^ 0x9e37_79b9;
    let mut sum = 0.0;
    for _ in 0..6 {
        s = s.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        sum += (s >> 8) as f32 / (1 << 24) as f32 - 0.5;
    }
    sum * 0.05
}

/// Elements with something odd here and there; those of F16 are nothing like weights. The lower bits
/// are noise.
fn elements(dtype: Dtype, n: usize) -> Vec<u8> {
    let width = dtype.bits() / 8;
    let odd = [0, 1 << 31, 0x7f80_0000, 0xffc0_1234, 0x8000_0100];
    let noisy = match dtype {
        Dtype::F32 => 0xffff,
        Dtype::F16 => 0xff_ffff,
        _ => 0,
    };
    let noise = |i: usize| (i as u32).wrapping_mul(2_654_435_761).rotate_left(15) ^ i as u32;
    let bits = |i: usize| match i % 997 {
        k if k < odd.len() => odd[k],
        _ => weight(i).to_bits() & !noisy | noise(i).wrapping_mul(0x85eb_ca6b) >> 8 & noisy,
    };
    let of = |i: usize| bits(i).to_le_bytes()[4 - width..].to_vec();
    (0..n).flat_map(of).collect()
}

fn decoded(tile: &[u8], dtype: Dtype, len: usize) -> Result<Vec<u8>> {
    let mut out = vec![0x5a; len];
    decode_tile(tile, dtype, &mut out)?;
    Ok(out)
}

#[test]
fn floats_around_the_shortest_joint_tile_come_back_at_every_level() {
    for dtype in [Dtype::BF16, Dtype::F32] {
        for n in (1 << 15) - 1..(1 << 15) + 9 {
            let bytes = elements(dtype, n);
            let back = same_at_every_level(|| {
                let chosen = encode_tile(&bytes, dtype);
                assert!(chosen[0] != JOINT || n >= 1 << 15, "{dtype} × {n}");
                // Whether or not it is the smaller one.
                let mut joint = vec![JOINT];
                joint::encode(&bytes, dtype, &mut joint);
                let back = [&chosen, &joint].map(|tile| decoded(tile, dtype, bytes.len()).unwrap());
                (chosen, joint, back)
            });
            assert!(back.2.iter().all(|back| *back == bytes), "{dtype} × {n}");
        }
    }
}

#[test]
fn planes_around_the_shortest_wide_stream_come_back_at_every_level() {
    for n in [(1 << 18) - 1, 1 << 18, (1 << 18) + 45] {
        let bytes = elements(Dtype::F16, n);
        let back = same_at_every_level(|| {
            let tile = encode_tile(&bytes, Dtype::F16);
            let back = decoded(&tile, Dtype::F16, bytes.len()).unwrap();
            (tile, back)
        });
        assert!(back.1 == bytes, "{n}");
        assert_eq!(back.0[0], PLANES);
        // The lower plane is raw in long tiles; the coding of the upper one follows it.
        assert!(n < 1 << 18 || back.0[2 + n] == PLANE_WIDE, "{n}");
    }
}

#[test]
fn noise_takes_a_byte_more_however_long() {
    for dtype in [Dtype::BF16, Dtype::F16, Dtype::F32, Dtype::U8, Dtype::F64] {
        for n in [100, 1 << 15, 1 << 18] {
            let bytes: Vec<u8> = (0..n * dtype.bits() as u32 / 8)
                .map(|i| {
                    (i.wrapping_mul(2_654_435_761).rotate_left(15) ^ i).wrapping_mul(0x85eb_ca6b)
                })
                .map(|v| (v >> 24) as u8)
                .collect();
            let tile = encode_tile(&bytes, dtype);
            assert!(tile.len() <= bytes.len() + 1, "{dtype} × {n}");
            assert!(decoded(&tile, dtype, bytes.len()).unwrap() == bytes);
        }
    }
}

/// The fields of a joint tile.
#[derive(Clone)]
struct Tile {
    first: u16,
    symbols: Vec<u8>,
    escapes: Vec<u8>,
    fives: Vec<u8>,
    lower: Vec<u8>,
}

impl Tile {
    fn bytes(&self) -> Vec<u8> {
        let mut counts = [0; 256];
        self.symbols
            .iter()
            .for_each(|&s| counts[usize::from(s)] += 1);
        let table = FreqTable::from_counts(&counts);
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        let mut out = vec![JOINT];
        out.extend_from_slice(&self.first.to_le_bytes());
        put_blob(&mut out, &enc.finish());
        put_blob(
            &mut out,
            &symbols::encode_wide(&self.symbols, &table).finish(),
        );
        put_blob(&mut out, &self.escapes);
        out.extend_from_slice(&self.fives);
        out.extend_from_slice(&self.lower);
        out
    }
}

/// Nothing but escapes, 0, 1, 2 and so on; all fives are 0b10011.
fn escapes_alone(n: usize) -> Tile {
    let mut fives = vec![0; (5 * n).div_ceil(8)];
    for bit in (0..5 * n).filter(|bit| [0, 1, 4].contains(&(bit % 5))) {
        fives[bit / 8] |= 1 << (bit % 8);
    }
    Tile {
        first: 0,
        symbols: vec![0; n],
        escapes: (0..n as u16).flat_map(u16::to_le_bytes).collect(),
        fives,
        lower: Vec::new(),
    }
}

#[test]
fn tiles_of_escapes_alone_decode_at_every_level() {
    for n in [1, 7, 8, 9, 63, 64, 65, 500] {
        let brains = escapes_alone(n);
        let expected: Vec<u8> = (0..n as u16)
            .flat_map(|j| (0x8000 | j << 4 | 9).to_le_bytes())
            .collect();
        let back = same_at_every_level(|| {
            decoded(&brains.bytes(), Dtype::BF16, 2 * n).map_err(|e| e.to_string())
        });
        assert_eq!(back.unwrap(), expected);
        let singles = Tile {
            lower: (0..2 * n).map(|i| i as u8).collect(),
            ..brains
        };
        let back = same_at_every_level(|| {
            decoded(&singles.bytes(), Dtype::F32, 4 * n).map_err(|e| e.to_string())
        });
        let (lower, upper) = (singles.lower.chunks(2), expected.chunks(2));
        let expected: Vec<u8> = lower
            .zip(upper)
            .flat_map(|(a, b)| [a, b].concat())
            .collect();
        assert_eq!(back.unwrap(), expected);
    }
}

#[test]
fn symbols_at_both_ends_of_the_numbers_decode() {
    let tile = |first| Tile {
        first,
        symbols: vec![1, 255, 1],
        escapes: Vec::new(),
        fives: vec![0; 2],
        lower: Vec::new(),
    };
    let numbers = |first| {
        let back = decoded(&tile(first).bytes(), Dtype::BF16, 6).unwrap();
        [0, 2].map(|i| u16::from_le_bytes([back[i], back[i + 1]]) >> 4)
    };
    assert_eq!(numbers(0), [0, 254]);
    assert_eq!(numbers(1793), [1793, 2047]);
}

#[test]
fn what_no_encoder_makes_is_refused() {
    let good = escapes_alone(45);
    let refused = |change: &dyn Fn(&mut Tile), why: &str| {
        let mut tile = good.clone();
        change(&mut tile);
        let error = decoded(&tile.bytes(), Dtype::BF16, 90).unwrap_err();
        assert!(error.to_string().contains(why), "{error}, not {why}");
    };
    assert!(decoded(&good.bytes(), Dtype::BF16, 90).is_ok());
    refused(&|t| t.first = 1794, "window of joint numbers");
    refused(&|t| t.first = u16::MAX, "window of joint numbers");
    refused(&|t| t.escapes.truncate(88), "too few");
    refused(&|t| t.escapes.truncate(89), "too few");
    refused(&|t| t.escapes.push(0), "too many");
    refused(&|t| t.escapes.extend([0, 0]), "too many");
    refused(&|t| t.escapes[89] = 8, "out of range");
    // 225 bits, of which the last byte has one.
    refused(&|t| t.fives[28] |= 2, "past its end");
    refused(&|t| t.fives[28] |= 128, "past its end");
    refused(&|t| t.fives.truncate(28), "");
    refused(&|t| t.lower.push(0), "");
    let of_three = |t: &mut Tile, n: u8| {
        t.symbols = (0..n).map(|i| i % 3).collect();
        t.escapes.truncate(2 * 15);
    };
    let mut mixed = good.clone();
    of_three(&mut mixed, 45);
    assert!(decoded(&mixed.bytes(), Dtype::BF16, 90).is_ok());
    refused(&|t| of_three(t, 44), "");
    refused(&|t| of_three(t, 77), "does not end where it should");
    for dtype in [Dtype::F16, Dtype::U16, Dtype::F64] {
        let error = decoded(&good.bytes(), dtype, 90 / 2 * dtype.bits() / 8).unwrap_err();
        assert!(error.to_string().contains("lossless coding"), "{error}");
    }
    let bytes = good.bytes();
    for len in 0..bytes.len() {
        assert!(decoded(&bytes[..len], Dtype::BF16, 90).is_err(), "{len}");
    }
}
