//! Recipes: what a tensor's record says of how to rebuild it. The decoder follows a recipe
//! without knowing which strategy chose it.

use std::fmt;

use crate::transform::Transform;

/// Width of the integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockBits {
    /// −7 … 7.
    Int4,
    /// −127 … 127.
    Int8,
}

/// How the values of a plane are quantized and coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantizer {
    /// Integers in blocks of 32 kept values with an FP16 scale each.
    Block(BlockBits),
    /// FP16 numbers.
    Half,
    /// Entropy-coded uniform steps, trellis-coded for more than one state, in contexts of a row ×
    /// column scale model.
    Trellis {
        /// States of the trellis: 1 (scalar), or a power of two from 4 to 512.
        states: usize,
        /// Interleaved lanes of a tile: 8 or 32.
        lanes: usize,
    },
}

/// Most values a tile may hold.
pub const MAX_TILE: usize = 1 << 22;

/// How one plane, a matrix of `rows` × `cols` values, is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaneRecipe {
    /// Rows of the plane.
    pub rows: usize,
    /// Columns of the plane.
    pub cols: usize,
    /// Rows of a tile; 1 when a tile is part of a row.
    pub tile_rows: usize,
    /// Columns of a tile: all of them, unless a single row exceeds a tile.
    pub tile_cols: usize,
    /// Transform of the values before quantization.
    pub transform: Transform,
    /// Whether the transform spans the whole plane rather than each tile.
    pub whole: bool,
    /// Whether a mean per column was subtracted before the transform.
    pub means: bool,
    /// Whether rows have gains, powers of two that their values are multiplied with after
    /// dequantization: finer or coarser steps row by row.
    pub gains: bool,
    /// Whether columns have gains, which values are multiplied with after those of rows.
    pub column_gains: bool,
    /// Whether gains are in units of 1/32 octave rather than of 1/8.
    pub fine_gains: bool,
    /// Whether the symbols of a tile are coded column by column rather than row by row.
    pub column_order: bool,
    /// The quantizer.
    pub quantizer: Quantizer,
}

/// One tile's place in its plane. Tiles are contiguous in raster order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TileShape {
    pub first_row: usize,
    pub first_col: usize,
    pub rows: usize,
    pub cols: usize,
    /// Raster position of the first value.
    pub first: usize,
}

impl TileShape {
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }
}

impl PlaneRecipe {
    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(self.tile_rows) * self.tiles_per_row()
    }

    fn tiles_per_row(&self) -> usize {
        self.cols.div_ceil(self.tile_cols)
    }

    pub(crate) fn tile(&self, i: usize) -> TileShape {
        let (band, piece) = (i / self.tiles_per_row(), i % self.tiles_per_row());
        let first_row = band * self.tile_rows;
        let first_col = piece * self.tile_cols;
        TileShape {
            first_row,
            first_col,
            rows: self.tile_rows.min(self.rows - first_row),
            cols: self.tile_cols.min(self.cols - first_col),
            first: first_row * self.cols + first_col,
        }
    }

    /// Number of values.
    #[allow(clippy::len_without_is_empty, reason = "a plane is never empty")]
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }
}

impl fmt::Display for PlaneRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.means {
            f.write_str("mean + ")?;
        }
        if self.transform != Transform::None {
            let scope = if self.whole || self.tiles() == 1 {
                "matrix"
            } else {
                "tiles"
            };
            write!(f, "{} ({scope}) + ", self.transform.name())?;
        }
        let gains = match (self.gains, self.column_gains) {
            (true, true) => "row and column gains + ",
            (true, false) => "row gains + ",
            (false, true) => "column gains + ",
            (false, false) => "",
        };
        let fine = if self.fine_gains { "fine " } else { "" };
        let order = if self.column_order {
            "column order + "
        } else {
            ""
        };
        write!(f, "{fine}{gains}{order}{}", self.quantizer)
    }
}
