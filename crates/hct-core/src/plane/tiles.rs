//! Loading the tiles of a plane, prepared for quantization.

use super::means::encode as means;
use super::preparation::Preparation;
use crate::matrix::MatrixView;
use crate::recipe::{PlaneRecipe, Quantizer, TileShape};
use crate::transform::{self, Transform};
use crate::{Error, Result, magnitudes};

/// Largest mean of a column, which is added to values of at most as much.
const MAX_MEAN: f32 = f32::MAX / 4.0;

/// A plane's values, means removed and transformed, tile by tile.
pub(crate) struct Tiles<'a> {
    matrix: MatrixView<'a>,
    preparation: Preparation,
    tile_rows: usize,
    tile_cols: usize,
    means: Option<(Vec<i64>, f32)>,
    mean_values: Vec<f32>,
    /// The whole plane's coefficients, when the transform spans it.
    whole: Option<Vec<f32>>,
}

impl<'a> Tiles<'a> {
    /// The tiles of `matrix`.
    ///
    /// # Errors
    /// When a tile is to hold no values or more than a file may have in one.
    pub fn new(matrix: MatrixView<'a>, preparation: Preparation) -> Result<Self> {
        preparation.check()?;
        let (tile_rows, tile_cols) = tiling(matrix.rows(), matrix.cols(), preparation.tile);
        let means = preparation.remove_means.then(|| means::measure(&matrix));
        let mean_values = means
            .as_ref()
            .map_or(Vec::new(), |(m, unit)| means::values(m, *unit));
        let mut tiles = Tiles {
            matrix,
            preparation,
            tile_rows,
            tile_cols,
            means,
            mean_values,
            whole: None,
        };
        if preparation.whole && preparation.transform != Transform::None {
            let mut values = vec![0.0; matrix.len()];
            matrix.read(0, &mut values);
            tiles.subtract_means(&mut values, 0, matrix.cols());
            transform::forward(
                &mut values,
                matrix.rows(),
                matrix.cols(),
                preparation.transform,
            );
            tiles.whole = Some(values);
        }
        Ok(tiles)
    }

    /// The recipe of the plane under `quantizer`.
    pub fn recipe(&self, quantizer: Quantizer) -> PlaneRecipe {
        PlaneRecipe {
            rows: self.matrix.rows(),
            cols: self.matrix.cols(),
            tile_rows: self.tile_rows,
            tile_cols: self.tile_cols,
            transform: self.preparation.transform,
            whole: self.whole.is_some(),
            means: self.means.is_some(),
            gains: false,
            column_gains: false,
            fine_gains: false,
            column_order: false,
            quantizer,
        }
    }

    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// Appends the coded means, if there are any.
    pub fn write_means(&self, out: &mut Vec<u8>) {
        if let Some((multiples, unit)) = &self.means {
            means::write(out, multiples, *unit);
        }
    }

    /// The coefficients of a tile.
    pub fn load(&self, tile: &TileShape) -> Vec<f32> {
        let mut values = vec![0.0; tile.len()];
        self.load_into(tile, &mut values);
        values
    }

    /// The same into `values`, as many as the tile has.
    pub fn load_into(&self, tile: &TileShape, values: &mut [f32]) {
        if let Some(whole) = &self.whole {
            values.copy_from_slice(&whole[tile.first..tile.first + tile.len()]);
            return;
        }
        self.matrix.read(tile.first, values);
        self.subtract_means(values, tile.first_col, tile.cols);
        transform::forward(values, tile.rows, tile.cols, self.preparation.transform);
    }

    /// The matrix.
    pub fn matrix(&self) -> &MatrixView<'a> {
        &self.matrix
    }

    /// The matrix, where tiles are parts of it as it is.
    pub fn unprepared(&self) -> Option<&MatrixView<'a>> {
        let plain = self.preparation.transform == Transform::None && self.means.is_none();
        plain.then_some(&self.matrix)
    }

    /// Largest magnitude among the loaded values of a tile.
    ///
    /// # Errors
    /// When one is not finite, or so large that a sum in the decoder might not be.
    pub fn largest(&self, values: &[f32]) -> Result<f32> {
        let max = magnitudes::largest(values);
        // An inverse transform sums up to √n times the largest coefficient in each direction.
        let spread = self.whole.as_ref().map_or(values.len(), Vec::len) as f32;
        let limit = match (self.preparation.transform, &self.means) {
            (Transform::None, None) => f32::MAX,
            _ => f32::MAX / (8.0 * spread.sqrt()),
        };
        let mean = magnitudes::largest(&self.mean_values);
        let too_large = |magnitude: f32, limit: f32| {
            if !magnitude.is_finite() {
                return Error::NotFinite;
            }
            Error::TooLarge {
                magnitude: magnitude.into(),
                limit: limit.into(),
            }
        };
        if mean > MAX_MEAN || mean.is_nan() {
            return Err(too_large(mean, MAX_MEAN));
        }
        if max > limit || max.is_nan() {
            return Err(too_large(max, limit));
        }
        Ok(max)
    }

    /// All coefficients, when the transform spans the plane.
    pub fn whole(&self) -> Option<&[f32]> {
        self.whole.as_deref()
    }

    fn subtract_means(&self, values: &mut [f32], first_col: usize, cols: usize) {
        if self.means.is_some() {
            let means = &self.mean_values[first_col..first_col + cols];
            for row in values.chunks_exact_mut(cols) {
                row.iter_mut().zip(means).for_each(|(v, m)| *v -= m);
            }
        }
    }
}

/// Tiles of at most `target` values: bands of whole rows (a multiple of 32 where there are
/// that many, which keeps transform lengths smooth), or pieces of a row longer than that.
fn tiling(rows: usize, cols: usize, target: usize) -> (usize, usize) {
    if cols > target {
        return (1, cols.div_ceil(cols.div_ceil(target)));
    }
    let most = (target / cols).max(1);
    let bands = rows.div_ceil(most);
    let even = rows.div_ceil(bands);
    let smooth = even.next_multiple_of(32);
    (
        if bands > 1 && smooth <= most {
            smooth
        } else {
            even
        },
        cols,
    )
}
