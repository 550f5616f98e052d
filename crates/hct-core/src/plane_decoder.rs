//! Decoding planes.

use std::borrow::Cow;

use crate::plane::means;
use crate::quant::TileDecoder;
use crate::recipe::PlaneRecipe;
use crate::transform::{self, Transform};
use crate::wire::Reader;
use crate::{Result, parallel};

/// A plane ready to decode any of its tiles.
pub(crate) struct PlaneDecoder<'a> {
    recipe: &'a PlaneRecipe,
    means: Vec<f32>,
    tiles: TileDecoder,
}

impl<'a> PlaneDecoder<'a> {
    /// Reads what the tiles share.
    ///
    /// # Errors
    /// When `common` is not what an encoder makes for `recipe`.
    pub fn new(recipe: &'a PlaneRecipe, common: &[u8]) -> Result<Self> {
        let mut r = Reader::new(common, "plane header");
        let means = if recipe.means {
            means::read(&mut r, recipe.cols)?
        } else {
            Vec::new()
        };
        let tiles = TileDecoder::read(&mut r, recipe)?;
        r.finish()?;
        Ok(PlaneDecoder {
            recipe,
            means,
            tiles,
        })
    }

    /// Decodes tile `i` to values; to coefficients when the transform spans the plane.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes.
    pub fn tile(&self, i: usize, payload: &[u8], out: &mut [f32]) -> Result<()> {
        let tile = self.recipe.tile(i);
        self.tiles.decode(&tile, payload, out)?;
        if !self.recipe.whole {
            if self.recipe.transform != Transform::None {
                transform::inverse(out, tile.rows, tile.cols, self.recipe.transform);
            }
            self.add_means(out, tile.first_col, tile.cols);
        }
        Ok(())
    }

    /// Turns a plane of coefficients into values, when the transform spans it.
    pub fn finish_whole(&self, out: &mut [f32]) {
        if self.recipe.whole {
            transform::inverse(
                out,
                self.recipe.rows,
                self.recipe.cols,
                self.recipe.transform,
            );
            self.add_means(out, 0, self.recipe.cols);
        }
    }

    /// Decodes every tile, `payload(i)` giving its bytes.
    ///
    /// # Errors
    /// As [`PlaneDecoder::tile`], or what `payload` errs with.
    pub fn all<'b>(
        &self,
        out: &mut [f32],
        payload: impl Fn(usize) -> Result<Cow<'b, [u8]>> + Sync + Send,
    ) -> Result<()> {
        let mut pieces = Vec::with_capacity(self.recipe.tiles());
        let mut rest = &mut *out;
        for i in 0..self.recipe.tiles() {
            let (piece, after) = rest.split_at_mut(self.recipe.tile(i).len());
            pieces.push((i, piece));
            rest = after;
        }
        parallel::for_each(pieces, |(i, piece)| self.tile(i, &payload(i)?, piece))?;
        self.finish_whole(out);
        Ok(())
    }

    fn add_means(&self, values: &mut [f32], first_col: usize, cols: usize) {
        if self.recipe.means {
            let means = &self.means[first_col..first_col + cols];
            for row in values.chunks_exact_mut(cols) {
                row.iter_mut().zip(means).for_each(|(v, m)| *v += m);
            }
        }
    }
}
