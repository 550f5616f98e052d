//! Comparing the rows of tiles, and what that makes of a plane.

use super::rows::{RowComparison, compare_row};
use crate::recipe::TileShape;
use crate::{Dtype, floats};

/// Values that are compared at a time, in whole rows.
const BAND: usize = 1 << 14;

/// Values of a tile that are compared at a time: whole rows that stay in a cache.
pub(crate) fn band_of(tile: &TileShape) -> usize {
    tile.cols * (BAND / tile.cols).clamp(1, tile.rows)
}

/// How a reader sees values: in their dtype, and perhaps also less one value per column.
#[derive(Clone, Copy)]
pub(crate) struct View<'c> {
    pub dtype: Dtype,
    pub center: Option<&'c [f32]>,
}

/// Comparisons of the rows of a tile, so far.
#[derive(Default)]
pub(crate) struct TileComparison {
    plain: Vec<RowComparison>,
    centered: Vec<RowComparison>,
}

impl TileComparison {
    /// Adds rows of a tile, of which `a` are original and `b` decoded but not rounded. What is left in them is
    /// undefined.
    pub fn add(&mut self, tile: &TileShape, (a, b): (&mut [f32], &mut [f32]), view: View<'_>) {
        floats::round_to(b, view.dtype);
        compare_rows(a, b, tile.cols, &mut self.plain);
        let Some(center) = view.center else {
            return;
        };
        let center = &center[tile.first_col..tile.first_col + tile.cols];
        for values in [&mut *a, &mut *b] {
            for row in values.chunks_exact_mut(tile.cols) {
                row.iter_mut().zip(center).for_each(|(v, c)| *v -= c);
            }
        }
        compare_rows(a, b, tile.cols, &mut self.centered);
    }
}

/// Appends the comparisons of rows.
fn compare_rows(a: &[f32], b: &[f32], cols: usize, out: &mut Vec<RowComparison>) {
    let rows = a.chunks_exact(cols).zip(b.chunks_exact(cols));
    out.extend(rows.map(|(a, b)| compare_row(a, b)));
}

/// Comparisons of the rows of a plane.
#[derive(Clone, Debug)]
pub struct PlaneComparison {
    /// One per row.
    pub rows: Vec<RowComparison>,
    /// One per row, a center subtracted from both sides; empty when none was given.
    pub centered: Vec<RowComparison>,
}

impl PlaneComparison {
    /// Of so many rows, from those of tiles and the numbers of their first rows.
    pub(crate) fn of_tiles<'t>(
        rows: usize,
        centered: bool,
        tiles: impl Iterator<Item = (usize, &'t TileComparison)>,
    ) -> Self {
        let none = RowComparison::default();
        let mut whole = PlaneComparison {
            rows: vec![none; rows],
            centered: vec![none; if centered { rows } else { 0 }],
        };
        let add = |rows: &mut [RowComparison], of: &[RowComparison]| {
            rows.iter_mut().zip(of).for_each(|(row, of)| row.merge(of));
        };
        for (first, tile) in tiles {
            add(&mut whole.rows[first..], &tile.plain);
            if centered {
                add(&mut whole.centered[first..], &tile.centered);
            }
        }
        whole
    }

    /// All rows at once.
    pub fn total(&self) -> RowComparison {
        let mut total = RowComparison::default();
        self.rows.iter().for_each(|row| total.merge(row));
        total
    }
}
