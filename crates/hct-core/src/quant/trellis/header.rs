//! What the tiles of a trellis plane share.

use super::classes::ClassMap;
use super::contexts::Contexts;
use super::decode::{self, Tables};
use super::gains::GainUnit;
use super::log_scales;
use super::tile::Tile;
use crate::entropy::binary::{Decoder, UintModel};
use crate::kernels::trellis::Machine;
use crate::recipe::{PlaneRecipe, TileShape};
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Error, Result};

/// The header of a plane, ready to decode its tiles.
pub(crate) struct PlaneHeader {
    tables: Tables,
    /// Log-scales of the plane's columns.
    cols: Vec<i32>,
    map: ClassMap,
    lanes: usize,
    /// The unit of row gains, where rows have them.
    row_gains: Option<GainUnit>,
    /// The factor of every column's gain, or none at all.
    col_gains: Vec<f32>,
    column_order: bool,
}

impl PlaneHeader {
    /// Reads the header of a plane of `states` states and `lanes` lanes.
    ///
    /// # Errors
    /// When it is not what an encoder makes for `recipe`.
    pub fn read(
        r: &mut Reader<'_>,
        states: usize,
        lanes: usize,
        recipe: &PlaneRecipe,
    ) -> Result<Self> {
        let step = r.f32()?;
        // The largest multiple must stay finite.
        if !(step > 0.0 && step < f32::MAX / (1 << 25) as f32) {
            return Err(Error::invalid(
                "quantizer step",
                format!("{step} is out of range"),
            ));
        }
        let trellis = Machine::of(states).ok_or(Error::Reserved {
            field: "trellis states",
            value: states as u64,
        })?;
        let mut dec = Decoder::new(r.blob()?);
        let map = ClassMap::read(&mut dec, &mut UintModel::new())?;
        let cols = log_scales::read(&mut dec, recipe.cols)?;
        let unit = GainUnit::new(recipe.fine_gains);
        let col_gains = match recipe.column_gains {
            true => unit.read(&mut dec, recipe.cols)?,
            false => Vec::new(),
        };
        dec.finish("column scales")?;
        let mut dec = Decoder::new(r.blob()?);
        let contexts = Contexts::read(&mut dec, map.classes, trellis.quantizers)?;
        dec.finish("context tables")?;
        Ok(PlaneHeader {
            tables: Tables::new(trellis, step, &contexts),
            cols,
            map,
            lanes,
            row_gains: recipe.gains.then_some(unit),
            col_gains,
            column_order: recipe.column_order,
        })
    }

    /// Decodes a tile.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes.
    pub fn decode(&self, shape: &TileShape, payload: &[u8], out: &mut [f32]) -> Result<()> {
        let within = shape.first_col..shape.first_col + shape.cols;
        let cols = &self.cols[within.clone()];
        let gains = self.col_gains.get(within).unwrap_or_default();
        let order = self.column_order;
        let tile = Tile::parse(payload, shape.rows, cols, &self.map, self.row_gains, order)?;
        decode::decode(&self.tables, self.lanes, &tile, gains, out)
    }
}

/// Adds the sections of a plane header and steps over it.
pub(crate) fn sections(r: &mut Reader<'_>, out: &mut Sections) -> Result<()> {
    r.f32()?;
    out.add(Section::Scales, 4 + r.blob()?.len() as u64);
    out.add(Section::Tables, r.blob()?.len() as u64);
    Ok(())
}
