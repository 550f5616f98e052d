//! Encoding losslessly.

use super::planes::split;
use super::{
    JOINT, PLANE_CODED, PLANE_CONSTANT, PLANE_RAW, PLANE_WIDE, PLANES, RAW, element_bytes, joint,
    rotates,
};
use crate::Dtype;
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::wire::put_blob;

/// The fewest symbols that make up for the states of a wide stream.
const WIDE: usize = 1 << 18;

/// Encodes a tile of whole elements.
pub(crate) fn encode_tile(bytes: &[u8], dtype: Dtype) -> Vec<u8> {
    let width = element_bytes(dtype);
    let planes = split(bytes, width, rotates(dtype));
    let codings: Vec<PlaneCoding> = planes.iter().map(|plane| PlaneCoding::of(plane)).collect();
    let estimate = codings.iter().map(PlaneCoding::estimate).sum();
    let mut out = Vec::with_capacity(1 + bytes.len() + width);
    out.push(JOINT);
    if joint::encode(bytes, dtype, estimate, &mut out) {
        return out;
    }
    out[0] = PLANES;
    for (plane, coding) in planes.iter().zip(&codings) {
        coding.put(plane, &mut out);
    }
    if out.len() > bytes.len() {
        out.clear();
        out.push(RAW);
        out.extend_from_slice(bytes);
    }
    out
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

/// Bytes that symbols which occur `counts` times take under `table`, about.
pub(super) fn estimate(counts: &[u64], table: &FreqTable) -> usize {
    let used = counts.iter().enumerate().filter(|&(_, &k)| k > 0);
    let bits: f64 = used
        .map(|(s, &k)| k as f64 * f64::from(table.cost(s)))
        .sum();
    (bits / 8.0) as usize
}

/// How a plane is coded.
enum PlaneCoding {
    Empty,
    Constant(u8),
    /// Of so many bytes.
    Raw(usize),
    Coded {
        table: FreqTable,
        estimate: usize,
    },
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
        let estimate = estimate(&counts, &table);
        match estimate + 64 < plane.len() {
            true => PlaneCoding::Coded { table, estimate },
            false => PlaneCoding::Raw(plane.len()),
        }
    }

    /// Bytes that the plane takes, about.
    fn estimate(&self) -> usize {
        match self {
            PlaneCoding::Empty | PlaneCoding::Constant(_) => 0,
            PlaneCoding::Raw(len) => *len,
            PlaneCoding::Coded { estimate, .. } => *estimate,
        }
    }

    fn put(&self, plane: &[u8], out: &mut Vec<u8>) {
        match self {
            PlaneCoding::Empty => return,
            PlaneCoding::Constant(byte) => return out.extend([PLANE_CONSTANT, *byte]),
            PlaneCoding::Raw(_) => {}
            PlaneCoding::Coded { table, .. } => {
                let mut enc = Encoder::new();
                table.write(&mut enc, &mut TableModel::new());
                let table_bytes = enc.finish();
                let (coding, stream) = match plane.len() >= WIDE {
                    true => (PLANE_WIDE, symbols::encode_wide(plane, table)),
                    false => {
                        let tables = std::slice::from_ref(table);
                        (PLANE_CODED, symbols::encode(plane, tables, |_| 0))
                    }
                };
                if table_bytes.len() + stream.len() + 8 < plane.len() {
                    out.push(coding);
                    put_blob(out, &table_bytes);
                    put_blob(out, &stream);
                    return;
                }
            }
        }
        out.push(PLANE_RAW);
        out.extend_from_slice(plane);
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
