//! The syntax of a tile: row scales and gains, patches, symbols.

use super::classes::{self, ClassMap};
use super::gains::GainUnit;
use super::log_scales;
use crate::entropy::binary::{Decoder, UintModel};
use crate::sections::{Section, Sections};
use crate::wire::Reader;
use crate::{Error, Result};

/// Largest multiple of the step that a patch may hold; f32 holds all below exactly.
const MAX_PATCH: u64 = 1 << 24;

/// A tile taken apart, its symbols still coded.
pub(crate) struct Tile<'a> {
    /// Values of a row.
    pub cols: usize,
    /// Whether symbols are column by column.
    pub column_order: bool,
    /// The class of every symbol, in their order.
    pub classes: Vec<u8>,
    /// The factor of every row's gain, or none at all.
    pub gains: Vec<f32>,
    /// Values whose index has no symbol: numbers of symbols in rising order, and multiples of the step.
    pub patches: Vec<(u32, i32)>,
    /// The rANS stream of all symbols.
    pub symbols: &'a [u8],
}

impl<'a> Tile<'a> {
    /// Takes apart a tile of `rows` rows in columns of log-scales `cols`, with row gains in
    /// the unit `gains` if there is one; its symbols are column by column if `column_order`.
    ///
    /// # Errors
    /// When `payload` is not what an encoder makes; its symbols are not looked at.
    pub fn parse(
        payload: &'a [u8],
        rows: usize,
        cols: &[i32],
        map: &ClassMap,
        gains: Option<GainUnit>,
        column_order: bool,
    ) -> Result<Self> {
        let mut r = Reader::new(payload, "trellis tile");
        let mut dec = Decoder::new(r.blob()?);
        let scales = log_scales::read(&mut dec, rows)?;
        let gains = match gains {
            Some(unit) => unit.read(&mut dec, rows)?,
            None => Vec::new(),
        };
        dec.finish("row scales")?;
        let patches = read_patches(r.blob()?, rows * cols.len())?;
        let mut classes = Vec::new();
        match column_order {
            true => classes::classes(map, cols, &scales, &mut classes),
            false => classes::classes(map, &scales, cols, &mut classes),
        }
        Ok(Tile {
            cols: cols.len(),
            column_order,
            classes,
            gains,
            patches,
            symbols: r.rest(),
        })
    }
}

/// Patches of a tile of `n` values.
fn read_patches(bytes: &[u8], n: usize) -> Result<Vec<(u32, i32)>> {
    let mut dec = Decoder::new(bytes);
    let (mut count, mut gap, mut value) = (UintModel::new(), UintModel::new(), UintModel::new());
    let mut patches = Vec::new();
    let mut at = 0u64;
    for _ in 0..count.decode(&mut dec) {
        at = at.saturating_add(gap.decode(&mut dec));
        let v = value.decode_signed(&mut dec);
        if at >= n as u64 || v.unsigned_abs() > MAX_PATCH || dec.exhausted() {
            return Err(Error::invalid(
                "patch",
                "lies outside its tile, is out of range or cut short",
            ));
        }
        // A tile holds at most 2²² values.
        patches.push((at as u32, v as i32));
        at += 1;
    }
    dec.finish("patches")?;
    Ok(patches)
}

/// Adds the sections of a tile.
pub(crate) fn sections(payload: &[u8], out: &mut Sections) -> Result<()> {
    let mut r = Reader::new(payload, "trellis tile");
    out.add(Section::Scales, r.blob()?.len() as u64);
    let patches = r.blob()?.len();
    out.add(Section::Values, (patches + r.remaining()) as u64);
    Ok(())
}
