//! Quantizers: how the values of a tile become symbols and back.
//!
//! Each has a room, a folder with all there is to know of it: its parameters in a plane's record,
//! the header that the tiles of a plane share, the syntax of a tile, its decoder, where its bytes
//! go and, in `encode`, its encoder. The rest of the crate asks the functions below, whose arms are
//! all that a new quantizer needs outside its room besides its variant of [`Quantizer`]. Decoders
//! import nothing from encoders.
//!
//! `block` and `half` code *sparse* tiles, of which only some coefficients are kept; they share
//! `positions`, `kept` and `exponent`, and `sparse` encodes planes of either.

pub(crate) mod block;
mod exponent;
pub(crate) mod half;
mod kept;
mod positions;
#[cfg(feature = "encode")]
pub(crate) mod sparse;
pub(crate) mod trellis;

use std::fmt;

use crate::recipe::{BlockBits, PlaneRecipe, Quantizer, TileShape};
use crate::sections::Sections;
use crate::wire::Reader;
use crate::{Error, Result};

const BLOCK_INT4: u8 = 0;
const BLOCK_INT8: u8 = 1;
const HALF: u8 = 2;
const TRELLIS: u8 = 3;

/// Writes a quantizer's code and parameters.
pub(crate) fn write(quantizer: Quantizer, out: &mut Vec<u8>) {
    match quantizer {
        Quantizer::Block(BlockBits::Int4) => out.push(BLOCK_INT4),
        Quantizer::Block(BlockBits::Int8) => out.push(BLOCK_INT8),
        Quantizer::Half => out.push(HALF),
        Quantizer::Trellis { states, lanes } => {
            out.push(TRELLIS);
            trellis::write_parameters(states, lanes, out);
        }
    }
}

/// Inverse of [`write`].
///
/// # Errors
/// When there is no such quantizer or its parameters are out of range.
pub(crate) fn read(r: &mut Reader<'_>) -> Result<Quantizer> {
    match r.u8()? {
        BLOCK_INT4 => Ok(Quantizer::Block(BlockBits::Int4)),
        BLOCK_INT8 => Ok(Quantizer::Block(BlockBits::Int8)),
        HALF => Ok(Quantizer::Half),
        TRELLIS => trellis::read_parameters(r),
        value => Err(Error::Reserved {
            field: "quantizer",
            value: value.into(),
        }),
    }
}

/// Whether planes may have gains and column order.
pub(crate) fn takes_gains_and_order(quantizer: Quantizer) -> bool {
    matches!(quantizer, Quantizer::Trellis { .. })
}

/// Decodes the tiles of a plane to coefficients.
pub(crate) enum TileDecoder {
    Block(BlockBits),
    Half,
    Trellis(trellis::PlaneHeader),
}

impl TileDecoder {
    /// Reads what the tiles of a plane share.
    ///
    /// # Errors
    /// When it is not what an encoder makes for `recipe`.
    pub fn read(r: &mut Reader<'_>, recipe: &PlaneRecipe) -> Result<Self> {
        Ok(match recipe.quantizer {
            Quantizer::Block(bits) => TileDecoder::Block(bits),
            Quantizer::Half => TileDecoder::Half,
            Quantizer::Trellis { states, lanes } => {
                TileDecoder::Trellis(trellis::PlaneHeader::read(r, states, lanes, recipe)?)
            }
        })
    }

    /// Decodes a tile of a plane.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes.
    pub fn decode(&self, tile: &TileShape, payload: &[u8], out: &mut [f32]) -> Result<()> {
        match self {
            TileDecoder::Block(bits) => block::decode(payload, tile.cols, *bits, out),
            TileDecoder::Half => half::decode(payload, tile.cols, out),
            TileDecoder::Trellis(header) => header.decode(tile, payload, out),
        }
    }
}

/// Adds the sections of what the tiles of a plane share and steps over it.
///
/// # Errors
/// When it is cut short.
pub(crate) fn header_sections(
    quantizer: Quantizer,
    r: &mut Reader<'_>,
    out: &mut Sections,
) -> Result<()> {
    match quantizer {
        Quantizer::Block(_) | Quantizer::Half => Ok(()),
        Quantizer::Trellis { .. } => trellis::header_sections(r, out),
    }
}

/// Adds the sections of a tile.
///
/// # Errors
/// When it is cut short.
pub(crate) fn tile_sections(
    quantizer: Quantizer,
    payload: &[u8],
    out: &mut Sections,
) -> Result<()> {
    match quantizer {
        Quantizer::Block(_) => block::sections(payload, out),
        Quantizer::Half => half::sections(payload, out),
        Quantizer::Trellis { .. } => trellis::tile_sections(payload, out),
    }
}

impl fmt::Display for Quantizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantizer::Block(BlockBits::Int4) => f.write_str("mask + int4/32"),
            Quantizer::Block(BlockBits::Int8) => f.write_str("mask + int8/32"),
            Quantizer::Half => f.write_str("mask + fp16"),
            Quantizer::Trellis { states: 1, .. } => f.write_str("scalar + rans"),
            Quantizer::Trellis { states, .. } => write!(f, "trellis{states} + rans"),
        }
    }
}
