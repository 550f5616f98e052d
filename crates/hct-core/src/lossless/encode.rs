//! Encoding losslessly.

use super::{
    PLANE_CODED, PLANE_CONSTANT, PLANE_RAW, PLANES, RAW, element_bytes, little_endian, rotates,
};
use crate::Dtype;
use crate::entropy::binary::Encoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::wire::put_blob;

/// Encodes a tile of whole elements.
pub(crate) fn encode_tile(bytes: &[u8], dtype: Dtype) -> Vec<u8> {
    let width = element_bytes(dtype);
    let mut out = vec![PLANES];
    for p in 0..width {
        put_plane(&mut out, &plane(bytes, width, p, rotates(dtype)));
    }
    if out.len() > bytes.len() {
        out.clear();
        out.push(RAW);
        out.extend_from_slice(bytes);
    }
    out
}

fn plane(bytes: &[u8], width: usize, p: usize, rotate: bool) -> Vec<u8> {
    bytes
        .chunks_exact(width)
        .map(|e| {
            if rotate {
                (rotated(e) >> (8 * p)) as u8
            } else {
                e[p]
            }
        })
        .collect()
}

fn put_plane(out: &mut Vec<u8>, plane: &[u8]) {
    let Some(&first) = plane.first() else { return };
    let mut counts = [0u64; 256];
    plane.iter().for_each(|&b| counts[usize::from(b)] += 1);
    if counts[usize::from(first)] == plane.len() as u64 {
        out.extend([PLANE_CONSTANT, first]);
        return;
    }
    let table = FreqTable::from_counts(&counts);
    let estimate: f64 = counts
        .iter()
        .enumerate()
        .filter(|&(_, &k)| k > 0)
        .map(|(s, &k)| k as f64 * f64::from(table.cost(s)))
        .sum();
    if estimate / 8.0 + 64.0 < plane.len() as f64 {
        let mut enc = Encoder::new();
        table.write(&mut enc, &mut TableModel::new());
        let table_bytes = enc.finish();
        let stream = symbols::encode(plane, std::slice::from_ref(&table), |_| 0);
        if table_bytes.len() + stream.len() + 8 < plane.len() {
            out.push(PLANE_CODED);
            put_blob(out, &table_bytes);
            put_blob(out, &stream);
            return;
        }
    }
    out.push(PLANE_RAW);
    out.extend_from_slice(plane);
}

fn rotated(element: &[u8]) -> u64 {
    let bits = 8 * element.len() as u32;
    let v = little_endian(element);
    let mask = u64::MAX >> (64 - bits);
    (v << 1 | v >> (bits - 1)) & mask
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
