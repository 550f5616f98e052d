//! Decoding transposed planes: each of their tiles holds some columns of the output.

use std::ops::Range;

use super::out::Out;
use super::record::PlaneRecord;
use super::source::ReadAt;
use crate::plane::turning::{BLOCK, turn};
use crate::plane_decoder::PlaneDecoder;
use crate::recipe::TileShape;
use crate::{Dtype, Result, parallel};

/// Rows of the output that are written together.
const BAND: usize = 256;

/// A transposed plane and what becomes of its values.
pub(super) struct TransposedPlane<'a, S> {
    pub source: &'a S,
    pub plane: &'a PlaneRecord,
    pub decoder: &'a PlaneDecoder<'a>,
    /// What values are rounded to.
    pub dtype: Dtype,
    /// Whether they are added to what is there already.
    pub add: bool,
}

impl<S: ReadAt> TransposedPlane<'_, S> {
    /// Fills `out` with `rows` of what the plane decodes to. As many tiles as there are threads are
    /// decoded at a time; then bands of the output take their values from them.
    pub fn fill(&self, rows: &Range<usize>, mut out: Out<'_>) -> Result<()> {
        let recipe = &self.plane.recipe;
        let wanted: Vec<usize> = (0..recipe.tiles())
            .filter(|&i| !common(&recipe.tile(i), rows).is_empty())
            .collect();
        let side_by_side = parallel::threads().clamp(1, wanted.len().max(1));
        let mut buffers = vec![Vec::new(); side_by_side];
        for group in wanted.chunks(side_by_side) {
            let tasks: Vec<_> = group.iter().zip(&mut buffers).collect();
            parallel::for_each(tasks, |(&i, values): (&usize, &mut Vec<f32>)| {
                let payload = self.plane.tiles[i].fetch(self.source, || format!("tile {i}"))?;
                values.resize(recipe.tile(i).len(), 0.0);
                self.decoder.tile(i, &payload, values)
            })?;
            let tiles: Vec<_> = group
                .iter()
                .map(|&i| recipe.tile(i))
                .zip(&buffers)
                .collect();
            parallel::for_each(self.bands(rows, out.again()), |(band, mut out)| {
                for (tile, values) in &tiles {
                    self.put(tile, values, &band, &mut out);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Cuts the output, which is to hold `rows`, into bands.
    fn bands<'o>(&self, rows: &Range<usize>, out: Out<'o>) -> Vec<(Range<usize>, Out<'o>)> {
        let (_, cols) = self.plane.recipe.shape();
        let mut bands = Vec::with_capacity(rows.len().div_ceil(BAND));
        let mut rest = out;
        for first in rows.clone().step_by(BAND) {
            let band = first..rows.end.min(first + BAND);
            let (out, after) = rest.split_at(band.len() * cols, self.dtype);
            bands.push((band, out));
            rest = after;
        }
        bands
    }

    /// Puts the values of a tile to where they belong in a band of rows.
    fn put(&self, tile: &TileShape, values: &[f32], band: &Range<usize>, out: &mut Out<'_>) {
        let (_, cols) = self.plane.recipe.shape();
        let columns = common(tile, band);
        let within = columns.start - tile.first_col..columns.end - tile.first_col;
        turn(values, tile.cols, within, |column, row, piece| {
            let row_of_band = tile.first_col + column - band.start;
            let at = row_of_band * cols + tile.first_row + row;
            let out = out.again().slice(at, piece.len(), self.dtype);
            if self.add {
                let mut sum = [0.0; BLOCK];
                let sum = &mut sum[..piece.len()];
                out.get(self.dtype, sum);
                sum.iter_mut().zip(piece).for_each(|(s, v)| *s += v);
                out.put(sum, self.dtype);
            } else {
                out.put(piece, self.dtype);
            }
        });
    }
}

/// Columns of the plane that a tile has of `columns`.
fn common(tile: &TileShape, columns: &Range<usize>) -> Range<usize> {
    let start = columns.start.max(tile.first_col);
    start..columns.end.min(tile.first_col + tile.cols).max(start)
}
