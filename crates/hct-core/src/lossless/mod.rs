//! Lossless coding: elements split into byte planes, each entropy-coded on its own, or floats into
//! what is worth coding, together, and the rest.
//!
//! Trained float weights have nearly random mantissas but exponents of two or three bits of
//! entropy. Rotating the sign bit to the bottom puts the exponent alone into the top byte (with
//! some mantissa bits in F16), as ZipNN (Hershcovitch et al. 2024) and DFloat11 (Zhang et al.
//! 2025) exploit too.

#[cfg(feature = "encode")]
mod encode;
mod joint;
mod planes;
#[cfg(all(test, feature = "encode"))]
mod tests;

#[cfg(feature = "encode")]
pub(crate) use encode::{encode_smallest_tile, encode_tile};

use joint::JOINT;
use planes::{PLANE_CONSTANT, PLANE_RAW, Plane};

use crate::kernels::fresh::Room;
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Dtype, Error, Result};

/// Bytes copied at a time: they stay in the first cache.
const RAW_PIECE: usize = 1 << 13;

const RAW: u8 = 0;
const PLANES: u8 = 1;

/// Bytes per element: planes in use.
fn element_bytes(dtype: Dtype) -> usize {
    dtype.bits().div_ceil(8)
}

/// Whether elements are rotated left by one bit, so that the sign leaves the exponent's byte.
fn rotates(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
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
    match r.u8()? {
        PLANES if tile_bytes > 0 => {
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
        JOINT => tables += joint::table_bytes(&mut r)?,
        _ => {}
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
    decode_tile_to(payload, dtype, Room::Ready(out))
}

/// The same with output of either kind.
///
/// # Errors
/// As [`decode_tile`].
pub(crate) fn decode_tile_to(payload: &[u8], dtype: Dtype, mut out: Room<'_>) -> Result<()> {
    let mut r = Reader::new(payload, "lossless tile");
    match r.u8()? {
        RAW => {
            let bytes = r.bytes(out.len())?;
            for piece in bytes.chunks(RAW_PIECE) {
                out.next(piece.len()).copy_from_slice(piece);
            }
        }
        PLANES => {
            let width = element_bytes(dtype);
            let n = out.len() / width;
            let planes = (0..width).map(|_| Plane::open(&mut r, n));
            let mut planes = planes.collect::<Result<Vec<_>>>()?;
            planes::join(&mut planes, rotates(dtype), out);
            planes.iter().try_for_each(Plane::finish)?;
        }
        JOINT => joint::decode(&mut r, dtype, out)?,
        value => {
            return Err(Error::Reserved {
                field: "lossless coding",
                value: value.into(),
            });
        }
    }
    r.finish()
}
