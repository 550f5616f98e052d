//! Lossless coding: elements split into byte planes, each entropy-coded on its own.
//!
//! Trained float weights have nearly random mantissas but exponents of two or three bits of
//! entropy. Rotating the sign bit to the bottom puts the exponent alone into the top byte (with
//! some mantissa bits in F16), as ZipNN (Hershcovitch et al. 2024) and DFloat11 (Zhang et al.
//! 2025) exploit too.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::encode_tile;

use crate::entropy::binary::Decoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
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

fn unrotated(v: u64, bits: u32) -> u64 {
    v >> 1 | (v & 1) << (bits - 1)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b))
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
/// When the payload is not what an encoder makes.
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
