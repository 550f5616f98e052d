//! Lossless coding: elements split into byte planes, each entropy-coded on its own.
//!
//! Trained float weights have nearly random mantissas but exponents of two or three bits of
//! entropy. Rotating the sign bit to the bottom puts the exponent alone into the top byte (with
//! some mantissa bits in F16), as ZipNN (Hershcovitch et al. 2024) and DFloat11 (Zhang et al.
//! 2025) exploit too.

use crate::entropy::binary::{Decoder, Encoder};
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::sections::{Section, Sections};
use crate::wire::{Reader, put_blob};
use crate::{Dtype, Error, Result};

const RAW: u8 = 0;
const PLANES: u8 = 1;

const PLANE_RAW: u8 = 0;
const PLANE_CONSTANT: u8 = 1;
const PLANE_CODED: u8 = 2;

/// Bytes per element: planes in use.
fn element_bytes(dtype: Dtype) -> usize {
    dtype.bits().div_ceil(8)
}

/// Whether elements are rotated left by one bit, so that the sign leaves the exponent's byte.
fn rotates(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
}

fn rotated(element: &[u8]) -> u64 {
    let bits = 8 * element.len() as u32;
    let v = little_endian(element);
    let mask = u64::MAX >> (64 - bits);
    (v << 1 | v >> (bits - 1)) & mask
}

fn unrotated(v: u64, bits: u32) -> u64 {
    v >> 1 | (v & 1) << (bits - 1)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b))
}

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

/// Adds the sections of a tile of `tile_bytes` decoded bytes.
pub(crate) fn sections(
    payload: &[u8],
    dtype: Dtype,
    tile_bytes: usize,
    out: &mut Sections,
) -> Result<()> {
    let mut r = Reader::new(payload, "lossless tile");
    let mut tables = 0;
    if r.u8()? == PLANES && tile_bytes > 0 {
        let width = element_bytes(dtype);
        for _ in 0..width {
            match r.u8()? {
                PLANE_RAW => drop(r.bytes(tile_bytes / width)?),
                PLANE_CONSTANT => drop(r.u8()?),
                _ => {
                    tables += r.blob()?.len();
                    r.blob()?;
                }
            }
        }
    }
    out.add(Section::Tables, tables as u64);
    out.add(Section::Values, (payload.len() - tables) as u64);
    Ok(())
}

/// Decodes a tile into `out`, whose length says how many elements there are.
///
/// # Errors
/// When the payload is not what [`encode_tile`] makes.
pub(crate) fn decode_tile(payload: &[u8], dtype: Dtype, out: &mut [u8]) -> Result<()> {
    let mut r = Reader::new(payload, "lossless tile");
    match r.u8()? {
        RAW => out.copy_from_slice(r.bytes(out.len())?),
        PLANES => {
            let width = element_bytes(dtype);
            let n = out.len() / width;
            for p in 0..width {
                read_plane(&mut r, n, |i, b| out[i * width + p] = b)?;
            }
            if rotates(dtype) {
                let bits = 8 * width as u32;
                for e in out.chunks_exact_mut(width) {
                    let v = unrotated(little_endian(e), bits);
                    e.copy_from_slice(&v.to_le_bytes()[..width]);
                }
            }
        }
        value => {
            return Err(Error::Reserved {
                field: "lossless coding",
                value: value.into(),
            });
        }
    }
    r.finish()
}

fn read_plane(r: &mut Reader<'_>, n: usize, mut put: impl FnMut(usize, u8)) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    match r.u8()? {
        PLANE_RAW => r.bytes(n)?.iter().enumerate().for_each(|(i, &b)| put(i, b)),
        PLANE_CONSTANT => {
            let b = r.u8()?;
            (0..n).for_each(|i| put(i, b));
        }
        PLANE_CODED => {
            let mut dec = Decoder::new(r.blob()?);
            let table = FreqTable::read(&mut dec, &mut TableModel::new(), 256)?;
            dec.finish("byte table")?;
            let symbols = symbols::decode(r.blob()?, n, std::slice::from_ref(&table), |_, _| 0)?;
            symbols.iter().enumerate().for_each(|(i, &b)| put(i, b));
        }
        value => {
            return Err(Error::Reserved {
                field: "byte plane coding",
                value: value.into(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
