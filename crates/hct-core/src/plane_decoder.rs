//! Decoding planes.

use std::borrow::Cow;

use crate::entropy::binary::{Decoder, UintModel};
use crate::plane::means;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::encode::analysis::MAX_GAIN;
use crate::quant::trellis::scale_model::{self, ClassMap};
use crate::quant::trellis::{self, Trellis};
use crate::quant::{block, half};
use crate::recipe::{PlaneRecipe, Quantizer, TileShape};
use crate::transform::{self, Transform};
use crate::wire::Reader;
use crate::{Error, Result, parallel};

/// A plane ready to decode any of its tiles.
pub(crate) struct PlaneDecoder<'a> {
    recipe: &'a PlaneRecipe,
    means: Vec<f32>,
    trellis: Option<TrellisPlane>,
}

/// What the tiles of a trellis plane share.
struct TrellisPlane {
    tables: trellis::decode::Tables,
    cols: Vec<i32>,
    map: ClassMap,
    lanes: usize,
    gains: bool,
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
        let trellis = match recipe.quantizer {
            Quantizer::Trellis { states, lanes } => {
                Some(TrellisPlane::read(&mut r, states, lanes, recipe)?)
            }
            Quantizer::Block(_) | Quantizer::Half => None,
        };
        r.finish()?;
        Ok(PlaneDecoder {
            recipe,
            means,
            trellis,
        })
    }

    /// Decodes tile `i` to values; to coefficients when the transform spans the plane.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes.
    pub fn tile(&self, i: usize, payload: &[u8], out: &mut [f32]) -> Result<()> {
        let tile = self.recipe.tile(i);
        match (&self.recipe.quantizer, &self.trellis) {
            (Quantizer::Block(bits), _) => block::decode(payload, tile.cols, *bits, out)?,
            (_, Some(plane)) => plane.tile(&tile, payload, out)?,
            _ => half::decode(payload, tile.cols, out)?,
        }
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

impl TrellisPlane {
    fn read(r: &mut Reader<'_>, states: usize, lanes: usize, recipe: &PlaneRecipe) -> Result<Self> {
        let step = r.f32()?;
        // The largest multiple must stay finite.
        if !(step > 0.0 && step < f32::MAX / (1 << 25) as f32) {
            return Err(Error::invalid(
                "quantizer step",
                format!("{step} is out of range"),
            ));
        }
        let trellis = Trellis::new(states).ok_or(Error::Reserved {
            field: "trellis states",
            value: states as u64,
        })?;
        let mut dec = Decoder::new(r.blob()?);
        let map = ClassMap::read(&mut dec, &mut UintModel::new())?;
        let cols = scale_model::read_scales(&mut dec, recipe.cols)?;
        dec.finish("column scales")?;
        let mut dec = Decoder::new(r.blob()?);
        let contexts = Contexts::read(&mut dec, map.classes, trellis.quantizers())?;
        dec.finish("context tables")?;
        Ok(TrellisPlane {
            tables: trellis::decode::Tables::new(trellis, step, &contexts),
            cols,
            map,
            lanes,
            gains: recipe.gains,
        })
    }

    fn tile(&self, tile: &TileShape, payload: &[u8], out: &mut [f32]) -> Result<()> {
        let mut r = Reader::new(payload, "trellis tile");
        let mut dec = Decoder::new(r.blob()?);
        let rows = scale_model::read_scales(&mut dec, tile.rows)?;
        let gains = if self.gains {
            scale_model::read_scales(&mut dec, tile.rows)?
        } else {
            Vec::new()
        };
        if gains.iter().any(|g| g.abs() > MAX_GAIN) {
            return Err(Error::invalid("row gain", "is out of range"));
        }
        dec.finish("row scales")?;
        let patches = r.blob()?;
        let cols = &self.cols[tile.first_col..tile.first_col + tile.cols];
        let mut classes = Vec::new();
        scale_model::classes(&self.map, &rows, cols, &mut classes);
        trellis::decode::decode(&self.tables, self.lanes, &classes, r.rest(), patches, out)?;
        for (row, &g) in out.chunks_exact_mut(tile.cols).zip(&gains) {
            let factor = scale_model::gain(g);
            row.iter_mut().for_each(|v| *v *= factor);
        }
        Ok(())
    }
}
