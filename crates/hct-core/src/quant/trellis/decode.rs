//! Decoding the symbols of a tile to values.

use super::columns;
use super::contexts::Contexts;
use super::gains;
use super::tile::Tile;
use crate::entropy::rans::Words;
use crate::kernels::trellis as kernel;
use crate::kernels::trellis::Machine;
use crate::scratch::with_values;
use crate::{Error, Result};

pub(crate) use kernel::SYMBOLS;

/// Everything a tile needs that its plane shares.
pub(crate) struct Tables {
    step: f32,
    kernel: kernel::Tables,
}

impl Tables {
    pub fn new(trellis: Machine, step: f32, contexts: &Contexts) -> Self {
        let quantizers = trellis.quantizers;
        let points = |c: usize| {
            let mut points = [0.0; SYMBOLS];
            for m in 1..=contexts.max_magnitude(c) {
                let value = point((c % quantizers) as i32, m, contexts.shift(c, m), step);
                points[2 * m - 1] = value;
                points[2 * m] = -value;
            }
            points
        };
        let tables = contexts.tables.iter().enumerate();
        let contexts = tables.map(|(c, table)| (table, points(c)));
        Tables {
            step,
            kernel: kernel::Tables::new(trellis, contexts),
        }
    }
}

/// Multiple of δ that index magnitude `m` stands for in quantizer `q`: 2m − q, and 0 for 0.
#[inline(always)]
pub(crate) fn multiple(m: i32, q: i32) -> i32 {
    (2 * m - q).max(0)
}

/// Reproduction value of magnitude `m` ≥ 1: (multiple + shift)·δ.
#[inline(always)]
pub(crate) fn point(q: i32, m: usize, shift: f32, step: f32) -> f32 {
    (multiple(m as i32, q) as f32 + shift) * step
}

/// Decodes the values of a tile row by row, in columns of gain factors `factors` if there are any.
///
/// # Errors
/// When its symbols are not what an encoder makes.
pub(crate) fn decode(
    tables: &Tables,
    lanes: usize,
    tile: &Tile<'_>,
    factors: &[f32],
    out: &mut [f32],
) -> Result<()> {
    if tile.column_order {
        with_values(out.len(), |values| {
            symbols(tables, lanes, tile, values)?;
            columns::transpose(values, out.len() / tile.cols, out);
            Ok::<_, Error>(())
        })?;
    } else {
        symbols(tables, lanes, tile, out)?;
    }
    gains::apply(out, tile.cols, &tile.gains, factors);
    Ok(())
}

/// Decodes the symbols and patches of a tile in their order.
fn symbols(tables: &Tables, lanes: usize, tile: &Tile<'_>, out: &mut [f32]) -> Result<()> {
    assert_eq!(tile.classes.len(), out.len());
    match lanes {
        8 => lanes_of::<8>(tables, &tile.classes, tile.symbols, out)?,
        32 => lanes_of::<32>(tables, &tile.classes, tile.symbols, out)?,
        n => {
            return Err(Error::Reserved {
                field: "lanes",
                value: n as u64,
            });
        }
    }
    for &(at, multiple) in &tile.patches {
        out[at as usize] = multiple as f32 * tables.step;
    }
    Ok(())
}

fn lanes_of<const L: usize>(
    tables: &Tables,
    classes: &[u8],
    stream: &[u8],
    out: &mut [f32],
) -> Result<()> {
    let (coders, mut words) = Words::open::<L>(stream)?;
    let mut lanes = kernel::Lanes::new(coders);
    kernel::decode(&tables.kernel, classes, &mut lanes, &mut words, out);
    words.finish(&lanes.coders)
}
