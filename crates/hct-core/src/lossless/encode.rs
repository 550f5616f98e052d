//! Encoding losslessly.

use std::borrow::Cow;

use super::joint::JOINT;
use super::planes::{PLANE_CODED, PLANE_CONSTANT, PLANE_RAW, PLANE_WIDE, split};
use super::{PLANES, RAW, element_bytes, joint, rotates};
use crate::Dtype;
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::scratch::with_bytes;
use crate::wire::{put_blob, put_varint};

/// The fewest symbols of a plane that make up for the states of a wide stream, and the fewest bytes
/// that they take.
const WIDE: usize = 1 << 18;
const WIDE_BYTES: usize = 6 << 10;
/// How much of a tile tells how the whole is best coded: one block in so many.
const SAMPLED: usize = 8;
/// Bytes of a block: whole elements.
const BLOCK: usize = 4096;

/// Encodes a tile of whole elements.
pub(crate) fn encode_tile(bytes: &[u8], dtype: Dtype) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    if joint::is_for(bytes.len(), dtype) && joint_is_better(&sample(bytes, dtype), dtype) {
        out.push(JOINT);
        joint::encode(bytes, dtype, &mut out);
    } else {
        put_planes(bytes, dtype, true, &mut out);
    }
    raw_if_shorter(bytes, &mut out);
    out
}

/// The same without what takes a few bytes more and is decoded faster.
pub(crate) fn encode_smallest_tile(bytes: &[u8], dtype: Dtype) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    put_planes(bytes, dtype, false, &mut out);
    raw_if_shorter(bytes, &mut out);
    out
}

/// Appends a tile of byte planes; where they are long for fast decoding, if that is asked for.
fn put_planes(bytes: &[u8], dtype: Dtype, fast: bool, out: &mut Vec<u8>) {
    out.push(PLANES);
    let width = element_bytes(dtype);
    with_bytes(bytes.len(), |room| {
        let planes = split(bytes, width, rotates(dtype), room);
        planes.for_each(|plane| put_plane(plane, fast, out));
    });
}

/// Puts the bytes as they are in place of a tile that takes more.
fn raw_if_shorter(bytes: &[u8], out: &mut Vec<u8>) {
    if out.len() > bytes.len() {
        out.clear();
        out.push(RAW);
        out.extend_from_slice(bytes);
    }
}

/// Some blocks of long tiles, all of short ones, which would leave too little to learn from.
fn sample(bytes: &[u8], dtype: Dtype) -> Cow<'_, [u8]> {
    match bytes.len() / element_bytes(dtype) < WIDE {
        true => bytes.into(),
        false => bytes
            .chunks(BLOCK)
            .step_by(SAMPLED)
            .collect::<Vec<_>>()
            .concat()
            .into(),
    }
}

/// Whether a sample takes no more bytes by joint numbers, which are decoded in half of the time, than by planes.
fn joint_is_better(sample: &[u8], dtype: Dtype) -> bool {
    let Some(jointly) = joint::estimate(sample, dtype) else {
        return false;
    };
    let mut room = vec![0; sample.len()];
    let planes = split(sample, element_bytes(dtype), rotates(dtype), &mut room);
    let by_planes: usize = planes
        .map(|plane| match PlaneCoding::of(plane) {
            PlaneCoding::Empty | PlaneCoding::Constant(_) => 0,
            PlaneCoding::Raw => plane.len(),
            PlaneCoding::Coded { estimate, .. } => estimate,
        })
        .sum();
    jointly <= by_planes
}

/// How often each byte occurs.
fn histogram(plane: &[u8]) -> [u64; 256] {
    // Four counts take turns: equal bytes in a row would wait for each other.
    let mut turns = [[0u32; 256]; 4];
    let mut counts = [0; 256];
    // Short enough for 32 bits.
    for piece in plane.chunks(1 << 30) {
        let (fours, rest) = piece.as_chunks::<4>();
        for four in fours {
            for (turn, &byte) in turns.iter_mut().zip(four) {
                turn[usize::from(byte)] += 1;
            }
        }
        rest.iter().for_each(|&b| turns[0][usize::from(b)] += 1);
        for turn in &mut turns {
            counts
                .iter_mut()
                .zip(&*turn)
                .for_each(|(n, &k)| *n += u64::from(k));
            turn.fill(0);
        }
    }
    counts
}

/// How a plane is coded.
enum PlaneCoding {
    Empty,
    Constant(u8),
    Raw,
    Coded { table: FreqTable, estimate: usize },
}

impl PlaneCoding {
    fn of(plane: &[u8]) -> Self {
        let Some(&first) = plane.first() else {
            return PlaneCoding::Empty;
        };
        let counts = histogram(plane);
        if counts[usize::from(first)] == plane.len() as u64 {
            return PlaneCoding::Constant(first);
        }
        let table = FreqTable::from_counts(&counts);
        let estimate = table.estimate(&counts);
        match estimate + 64 < plane.len() {
            true => PlaneCoding::Coded { table, estimate },
            false => PlaneCoding::Raw,
        }
    }
}

/// Whether a long plane is as good as random: its sample takes all but 1/256 of its bytes, for
/// which decoding it would not be worth its time.
fn is_random(plane: &[u8]) -> bool {
    plane.len() >= WIDE && {
        let blocks = plane.chunks(BLOCK).step_by(SAMPLED);
        let sample = blocks.collect::<Vec<_>>().concat();
        match PlaneCoding::of(&sample) {
            PlaneCoding::Raw => true,
            PlaneCoding::Coded { estimate, .. } => estimate + sample.len() / 256 > sample.len(),
            PlaneCoding::Empty | PlaneCoding::Constant(_) => false,
        }
    }
}

/// Appends a plane to `out`, for fast decoding if that is asked for.
fn put_plane(plane: &[u8], fast: bool, out: &mut Vec<u8>) {
    let coding = match fast && is_random(plane) {
        true => PlaneCoding::Raw,
        false => PlaneCoding::of(plane),
    };
    match coding {
        PlaneCoding::Empty => return,
        PlaneCoding::Constant(byte) => return out.extend([PLANE_CONSTANT, byte]),
        PlaneCoding::Raw => {}
        PlaneCoding::Coded { table, estimate } => {
            let wide = fast && plane.len() >= WIDE && estimate >= WIDE_BYTES;
            let begin = out.len();
            let coded = put_coded(plane, &table, wide, out);
            if coded + 8 < plane.len() {
                return;
            }
            out.truncate(begin);
        }
    }
    out.push(PLANE_RAW);
    out.extend_from_slice(plane);
}

/// Appends a coded plane. Returns the bytes of its table and stream.
fn put_coded(plane: &[u8], table: &FreqTable, wide: bool, out: &mut Vec<u8>) -> usize {
    let mut enc = Encoder::new();
    table.write(&mut enc, &mut TableModel::new());
    let table_bytes = enc.finish();
    if wide {
        let stream = symbols::encode_wide(plane, table);
        out.push(PLANE_WIDE);
        put_blob(out, &table_bytes);
        put_varint(out, stream.len() as u64);
        stream.finish_into(out);
        table_bytes.len() + stream.len()
    } else {
        let stream = symbols::encode(plane, std::slice::from_ref(table), |_| 0);
        out.push(PLANE_CODED);
        put_blob(out, &table_bytes);
        put_blob(out, &stream);
        table_bytes.len() + stream.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lossless::decode_tile;

    #[test]
    fn every_dtype_comes_back_bit_exact() {
        for &dtype in Dtype::ALL {
            let width = element_bytes(dtype);
            for n in [0, 1, 3, 5000] {
                let bytes: Vec<u8> = (0..(n * width) as u32)
                    .map(|i| {
                        (i.wrapping_mul(2_654_435_761) >> (if i % 4 == 3 { 29 } else { 20 })) as u8
                    })
                    .collect();
                let payload = encode_tile(&bytes, dtype);
                assert!(payload.len() <= bytes.len() + 1);
                let mut out = vec![0; bytes.len()];
                decode_tile(&payload, dtype, &mut out).unwrap();
                assert_eq!(out, bytes, "{dtype} × {n}");
            }
        }
    }
}
