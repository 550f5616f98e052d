//! Planes: matrices of values coded tile by tile under one recipe.

pub(crate) mod means;
mod tiles;

pub(crate) use tiles::Tiles;

use crate::recipe::PlaneRecipe;
use crate::transform::Transform;

/// Values a tile holds unless asked otherwise: large enough that a tile's overhead vanishes,
/// small enough for a core's cache and for parallel decoding.
pub const DEFAULT_TILE: usize = 1 << 20;

/// How the values of a plane are prepared for quantization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The transform.
    pub transform: Transform,
    /// Whether the transform spans the whole plane rather than each tile. Spanning it finds
    /// longer structure, but any part of the plane then needs all of it to decode.
    pub whole: bool,
    /// Whether to subtract the mean of every column first.
    pub remove_means: bool,
    /// Most values of a tile.
    pub tile: usize,
}

impl Preparation {
    /// `transform` of each tile of [`DEFAULT_TILE`] values, means left in.
    pub fn tiled(transform: Transform) -> Self {
        Preparation {
            transform,
            whole: false,
            remove_means: false,
            tile: DEFAULT_TILE,
        }
    }
}

/// A coded plane: its recipe and the bytes its record will point to.
#[derive(Clone, Debug)]
pub struct EncodedPlane {
    pub(crate) recipe: PlaneRecipe,
    pub(crate) common: Vec<u8>,
    pub(crate) tiles: Vec<Vec<u8>>,
    /// Sum of squared errors of the coded values.
    pub(crate) squared_error: f64,
    /// Coefficients coded as other than zero.
    pub(crate) kept: u64,
}

impl EncodedPlane {
    /// The recipe.
    pub fn recipe(&self) -> &PlaneRecipe {
        &self.recipe
    }

    /// Bytes of payload; the record in the index comes on top.
    pub fn payload_bytes(&self) -> usize {
        self.common.len() + self.tiles.iter().map(Vec::len).sum::<usize>()
    }

    /// Sum of squared errors of the decoded values, before rounding to the tensor's dtype.
    pub fn squared_error(&self) -> f64 {
        self.squared_error
    }

    /// Number of coefficients that are kept: coded at all in a sparse plane, coded as other than
    /// zero in a trellis plane.
    pub fn kept(&self) -> u64 {
        self.kept
    }
}
