//! What happens to values before quantization.

use crate::recipe::MAX_TILE;
use crate::transform::Transform;
use crate::{Error, Result};

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
    /// Most values of a tile, 1 to [`MAX_TILE`].
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

    /// Errs where a reader would reject the tiles.
    pub(super) fn check(&self) -> Result<()> {
        if (1..=MAX_TILE).contains(&self.tile) {
            return Ok(());
        }
        let why = format!("{} values are not 1 to {MAX_TILE}", self.tile);
        Err(Error::argument("tile", why))
    }
}
