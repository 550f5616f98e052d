//! The tiles of a plane, every value divided by the gains of its column and its row.

use std::ops::Range;

use super::settings::Gains;
use super::syntax::write_scales;
use crate::Result;
use crate::comparison::tiles::band_of;
use crate::entropy::binary::Encoder;
use crate::matrix::MatrixView;
use crate::plane::{Preparation, Tiles};
use crate::quant::trellis::gains::{self, GainUnit};
use crate::recipe::{PlaneRecipe, Quantizer, TileShape};
use crate::scratch::with_values;

/// Prepared tiles and the gains of their rows and columns, if they have any.
pub(super) struct GainTiles<'a> {
    tiles: Tiles<'a>,
    /// Those of the plane.
    gains: Gains,
}

impl<'a> GainTiles<'a> {
    /// Tiles of a plane; `gains` must be one per row or column, and what has some must stay apart.
    ///
    /// # Errors
    /// As [`Tiles::new`].
    pub fn new(matrix: MatrixView<'a>, preparation: Preparation, gains: Gains) -> Result<Self> {
        let tiles = Tiles::new(matrix, preparation)?;
        if let Some(rows) = &gains.rows {
            debug_assert!(rows.len() == matrix.rows() && tiles.whole().is_none());
        }
        if let Some(columns) = &gains.columns {
            debug_assert!(columns.len() == matrix.cols() && tiles.whole().is_none());
        }
        Ok(GainTiles { tiles, gains })
    }

    pub fn preparation(&self) -> Preparation {
        self.tiles.preparation()
    }

    pub fn recipe(&self, quantizer: Quantizer) -> PlaneRecipe {
        let (gains, column_gains) = (self.gains.rows.is_some(), self.gains.columns.is_some());
        PlaneRecipe {
            gains,
            column_gains,
            fine_gains: self.gains.fine && (gains || column_gains),
            ..self.tiles.recipe(quantizer)
        }
    }

    pub fn write_means(&self, out: &mut Vec<u8>) {
        self.tiles.write_means(out);
    }

    /// Writes the gains of the plane's columns, if there are any.
    pub fn write_column_gains(&self, enc: &mut Encoder) {
        if let Some(columns) = &self.gains.columns {
            write_scales(enc, columns);
        }
    }

    /// Writes the gains of the rows of a tile, if there are any.
    pub fn write_row_gains(&self, enc: &mut Encoder, tile: &TileShape) {
        if let Some(rows) = &self.gains.rows {
            write_scales(enc, &rows[tile.first_row..tile.first_row + tile.rows]);
        }
    }

    /// Factors of the rows of a tile, or none at all; those of their inverses for a `sign` of −1.
    fn row_factors(&self, tile: &TileShape, sign: i32) -> Vec<f32> {
        self.factors(&self.gains.rows, tile.first_row, tile.rows, sign)
    }

    /// Factors of the columns of a tile, or none at all; those of their inverses for a `sign` of −1.
    fn column_factors(&self, tile: &TileShape, sign: i32) -> Vec<f32> {
        self.factors(&self.gains.columns, tile.first_col, tile.cols, sign)
    }

    fn factors(&self, gains: &Option<Vec<i32>>, first: usize, n: usize, sign: i32) -> Vec<f32> {
        let unit = GainUnit::new(self.gains.fine);
        let gains = gains.as_ref().map_or(&[][..], |g| &g[first..first + n]);
        gains.iter().map(|&g| unit.factor(sign * g)).collect()
    }

    /// Squares of the factors that errors of a tile grow by: of rows, of columns; either may be none
    /// at all.
    pub fn error_weights(&self, tile: &TileShape) -> (Vec<f64>, Vec<f64>) {
        let squares = |factors: Vec<f32>| {
            let squares = factors.into_iter().map(|f| f64::from(f).powi(2));
            squares.collect()
        };
        (
            squares(self.row_factors(tile, 1)),
            squares(self.column_factors(tile, 1)),
        )
    }

    /// The matrix.
    pub fn matrix(&self) -> &MatrixView<'a> {
        self.tiles.matrix()
    }

    /// The matrix, where tiles are parts of it as it is.
    pub fn unprepared(&self) -> Option<&MatrixView<'a>> {
        let plain = self.gains.rows.is_none() && self.gains.columns.is_none();
        self.tiles.unprepared().filter(|_| plain)
    }

    /// Fills `values` with those of a tile as the quantizer sees them, as many as the tile has.
    pub fn load_into(&self, tile: &TileShape, values: &mut [f32]) {
        self.tiles.load_into(tile, values);
        // Columns first, the other way round than in a decoder: what is finite here is there.
        gains::apply(values, tile.cols, &[], &self.column_factors(tile, -1));
        gains::apply(values, tile.cols, &self.row_factors(tile, -1), &[]);
    }

    /// Calls `each` with all values of a tile, which it may overwrite, and where in it they are: band after band of
    /// so many rows that they stay in a cache, where rows can be loaded alone.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn each_band(
        &self,
        tile: &TileShape,
        mut each: impl FnMut(Range<usize>, &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let Some(matrix) = self.unprepared() else {
            return with_values(tile.len(), |values| {
                self.load_into(tile, values);
                each(0..tile.len(), values)
            });
        };
        let band = band_of(tile);
        with_values(band, |room| {
            for first in (0..tile.len()).step_by(band) {
                let at = first..tile.len().min(first + band);
                let values = &mut room[..at.len()];
                matrix.read(tile.first + first, values);
                each(at, values)?;
            }
            Ok(())
        })
    }

    /// Largest magnitude of loaded values, as [`Tiles::largest`].
    pub fn largest(&self, values: &[f32]) -> Result<f32> {
        self.tiles.largest(values)
    }
}
