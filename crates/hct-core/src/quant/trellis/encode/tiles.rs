//! The tiles of a plane, every row divided by its gain.

use crate::Result;
use crate::matrix::MatrixView;
use crate::plane::{Preparation, Tiles};
use crate::quant::trellis::gains;
use crate::recipe::{PlaneRecipe, Quantizer, TileShape};

/// Prepared tiles and the gains of their rows, if they have any.
pub(super) struct GainTiles<'a> {
    tiles: Tiles<'a>,
    /// One per row of the plane, in 1/8 octaves.
    gains: Option<Vec<i32>>,
}

impl<'a> GainTiles<'a> {
    /// Tiles of a plane; `gains` must be one per row, and rows must stay apart.
    ///
    /// # Errors
    /// As [`Tiles::new`].
    pub fn new(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        gains: Option<Vec<i32>>,
    ) -> Result<Self> {
        let tiles = Tiles::new(matrix, preparation)?;
        if let Some(gains) = &gains {
            debug_assert!(gains.len() == matrix.rows() && tiles.whole().is_none());
        }
        Ok(GainTiles { tiles, gains })
    }

    pub fn preparation(&self) -> Preparation {
        self.tiles.preparation()
    }

    pub fn recipe(&self, quantizer: Quantizer) -> PlaneRecipe {
        PlaneRecipe {
            gains: self.gains.is_some(),
            ..self.tiles.recipe(quantizer)
        }
    }

    pub fn write_means(&self, out: &mut Vec<u8>) {
        self.tiles.write_means(out);
    }

    /// Gains of the rows of a tile, if there are any.
    pub fn gains(&self, tile: &TileShape) -> Option<&[i32]> {
        self.gains
            .as_ref()
            .map(|g| &g[tile.first_row..tile.first_row + tile.rows])
    }

    /// The values of a tile as the quantizer sees them.
    pub fn load(&self, tile: &TileShape) -> Vec<f32> {
        let mut values = self.tiles.load(tile);
        if let Some(gains) = self.gains(tile) {
            for (row, &g) in values.chunks_exact_mut(tile.cols).zip(gains) {
                let inverse = gains::factor(-g);
                row.iter_mut().for_each(|v| *v *= inverse);
            }
        }
        values
    }

    /// Largest magnitude of loaded values, as [`Tiles::largest`].
    pub fn largest(&self, values: &[f32]) -> Result<f32> {
        self.tiles.largest(values)
    }
}
