//! Comparing a coded plane with the values it was made from, as a reader will see them.

use std::borrow::Cow;

use super::tiles::{PlaneComparison, TileComparison, View, band_of};
use crate::matrix::MatrixView;
use crate::plane::EncodedPlane;
use crate::plane_decoder::PlaneDecoder;
use crate::recipe::TileShape;
use crate::scratch::with_values;
use crate::{Dtype, Error, Result, parallel};

impl EncodedPlane {
    /// Decodes the plane in memory, as a reader of the file will.
    ///
    /// # Errors
    /// Never for a plane that this crate encoded.
    pub fn decode(&self) -> Result<Vec<f32>> {
        let decoder = PlaneDecoder::new(&self.recipe, &self.common)?;
        let mut out = vec![0.0; self.recipe.len()];
        decoder.all(&mut out, |i| Ok(Cow::Borrowed(&self.tiles[i][..])))?;
        Ok(out)
    }

    /// Compares with `matrix`, row by row, after adding the plane to `base` (the fragments before
    /// it) and rounding to `dtype`; also with `center`, one value per column, subtracted from
    /// both sides.
    ///
    /// # Errors
    /// Never for a plane of the shape of `matrix` that this crate encoded.
    pub fn compare(
        &self,
        matrix: MatrixView<'_>,
        dtype: Dtype,
        center: Option<&[f32]>,
        base: Option<&[f32]>,
    ) -> Result<PlaneComparison> {
        let recipe = &self.recipe;
        let whole = if recipe.whole {
            Some(self.decode()?)
        } else {
            None
        };
        let decoder = PlaneDecoder::new(recipe, &self.common)?;
        let decoded = |i: usize, tile: &TileShape, b: &mut [f32]| {
            match &whole {
                Some(values) => b.copy_from_slice(&values[tile.first..tile.first + tile.len()]),
                None => decoder.tile(i, &self.tiles[i], b)?,
            }
            if let Some(base) = base {
                let base = &base[tile.first..tile.first + tile.len()];
                b.iter_mut().zip(base).for_each(|(v, base)| *v += base);
            }
            Ok(())
        };
        let tiles = (recipe.tiles(), |i| recipe.tile(i));
        compare_tiles(matrix, dtype, center, tiles, decoded)
    }
}

/// Compares decoded `values` with `matrix` as [`EncodedPlane::compare`] does.
///
/// # Errors
/// When there are not as many values as the matrix has.
pub fn compare_values(
    matrix: MatrixView<'_>,
    values: &[f32],
    dtype: Dtype,
    center: Option<&[f32]>,
) -> Result<PlaneComparison> {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    if values.len() != rows * cols {
        return Err(Error::NotAMatrix {
            values: values.len(),
            rows,
            cols,
        });
    }
    let row = |r: usize| TileShape {
        first_row: r,
        first_col: 0,
        rows: 1,
        cols,
        first: r * cols,
    };
    let of_row = |r: usize, _: &TileShape, b: &mut [f32]| {
        b.copy_from_slice(&values[r * cols..(r + 1) * cols]);
        Ok(())
    };
    compare_tiles(matrix, dtype, center, (rows, row), of_row)
}

/// Compares so many tiles, each of the shape that is given; `decoded` fills in its values before
/// rounding.
fn compare_tiles(
    matrix: MatrixView<'_>,
    dtype: Dtype,
    center: Option<&[f32]>,
    (tiles, tile): (usize, impl Fn(usize) -> TileShape + Sync + Send),
    decoded: impl Fn(usize, &TileShape, &mut [f32]) -> Result<()> + Sync + Send,
) -> Result<PlaneComparison> {
    let view = View { dtype, center };
    let parts = parallel::map(tiles, |i| {
        let tile = tile(i);
        with_values(tile.len(), |b| {
            decoded(i, &tile, b)?;
            let mut compared = TileComparison::default();
            // Rows that stay in a cache from one step to the next.
            let band = band_of(&tile);
            with_values(band, |a| {
                for (number, b) in b.chunks_mut(band).enumerate() {
                    let a = &mut a[..b.len()];
                    matrix.read(tile.first + number * band, a);
                    compared.add(&tile, (a, b), view);
                }
            });
            Ok::<_, Error>((tile.first_row, compared))
        })
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    let of_tiles = parts.iter().map(|(first, compared)| (*first, compared));
    Ok(PlaneComparison::of_tiles(
        matrix.rows(),
        center.is_some(),
        of_tiles,
    ))
}
