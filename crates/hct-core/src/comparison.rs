//! Comparing a coded plane with the values it was made from, as a reader will see them.

use std::borrow::Cow;

use crate::matrix::MatrixView;
use crate::plane::EncodedPlane;
use crate::plane_decoder::PlaneDecoder;
use crate::recipe::TileShape;
use crate::scratch::with_values;
use crate::simd::multiversion;
use crate::{Dtype, Error, Result, floats, parallel};

/// Sums over one row of the original a and the decoded b, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowComparison {
    /// Σ a².
    pub original: f64,
    /// Σ b².
    pub decoded: f64,
    /// Σ a·b.
    pub product: f64,
    /// Σ (a − b)².
    pub error: f64,
}

impl RowComparison {
    fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.original += a * a;
        self.decoded += b * b;
        self.product += a * b;
        self.error += (a - b) * (a - b);
    }

    /// Adds another row's sums.
    pub fn merge(&mut self, other: &RowComparison) {
        self.original += other.original;
        self.decoded += other.decoded;
        self.product += other.product;
        self.error += other.error;
    }

    /// Cosine similarity; 1 for two zero vectors.
    pub fn cosine(&self) -> f64 {
        let norms = (self.original * self.decoded).sqrt();
        match norms > 0.0 {
            true => self.product / norms,
            false if self.original == self.decoded => 1.0,
            false => 0.0,
        }
    }

    /// Σ (a − b)² / Σ a²; 0 for an exact copy.
    pub fn rel_mse(&self) -> f64 {
        if self.error == 0.0 {
            0.0
        } else {
            self.error / self.original
        }
    }
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
    /// Of rows of which nothing was compared.
    pub(crate) fn of_none(rows: usize, centered: bool) -> Self {
        let none = RowComparison::default();
        PlaneComparison {
            rows: vec![none; rows],
            centered: vec![none; if centered { rows } else { 0 }],
        }
    }

    /// Adds those of a tile whose first row is `first`.
    pub(crate) fn merge(&mut self, first: usize, tile: &TileComparison) {
        let add = |rows: &mut [RowComparison], of: &[RowComparison]| {
            rows.iter_mut().zip(of).for_each(|(row, of)| row.merge(of));
        };
        add(&mut self.rows[first..], &tile.plain);
        if !self.centered.is_empty() {
            add(&mut self.centered[first..], &tile.centered);
        }
    }

    /// All rows at once.
    pub fn total(&self) -> RowComparison {
        let mut total = RowComparison::default();
        self.rows.iter().for_each(|row| total.merge(row));
        total
    }
}

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
    let mut whole = PlaneComparison::of_none(matrix.rows(), center.is_some());
    for part in parts {
        let (first, compared) = part?;
        whole.merge(first, &compared);
    }
    Ok(whole)
}

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

    /// Sum of the squared errors.
    pub fn error(&self) -> f64 {
        self.plain.iter().map(|row| row.error).sum()
    }
}

/// Appends the comparisons of rows.
fn compare_rows(a: &[f32], b: &[f32], cols: usize, out: &mut Vec<RowComparison>) {
    let rows = a.chunks_exact(cols).zip(b.chunks_exact(cols));
    out.extend(rows.map(|(a, b)| compare_row(a, b)));
}

/// Values that are compared at a time, in whole rows.
const BAND: usize = 1 << 14;
/// Partial sums of a row.
const WIDE: usize = 8;
/// Values of a row that are compared at a time.
const BLOCK: usize = 16 * WIDE;

multiversion! {
    fn compare_row(a: &[f32], b: &[f32]) -> RowComparison = compare_row_body;
}

#[inline(always)]
fn compare_row_body(a: &[f32], b: &[f32]) -> RowComparison {
    // Independent partial sums, in an order fixed by the source, so that loops vectorize: one a loop, since
    // those of a loop for all do not.
    let mut sums = [[0f64; WIDE]; 4];
    let whole = a.len() / WIDE * WIDE;
    let (wide_a, rest_a) = a.split_at(whole);
    let (wide_b, rest_b) = b.split_at(whole);
    let (mut of_a, mut of_b, mut off) = ([0f64; BLOCK], [0f64; BLOCK], [0f64; BLOCK]);
    for (a, b) in wide_a.chunks(BLOCK).zip(wide_b.chunks(BLOCK)) {
        let n = a.len();
        let (of_a, of_b, off) = (&mut of_a[..n], &mut of_b[..n], &mut off[..n]);
        of_a.iter_mut().zip(a).for_each(|(x, &a)| *x = a.into());
        of_b.iter_mut().zip(b).for_each(|(x, &b)| *x = b.into());
        for ((off, a), b) in off.iter_mut().zip(&*of_a).zip(&*of_b) {
            *off = a - b;
        }
        add_products(of_a, of_a, &mut sums[0]);
        add_products(of_b, of_b, &mut sums[1]);
        add_products(of_a, of_b, &mut sums[2]);
        add_products(off, off, &mut sums[3]);
    }
    let [original, decoded, product, error] = sums.map(|s| s.iter().sum());
    let mut row = RowComparison {
        original,
        decoded,
        product,
        error,
    };
    rest_a.iter().zip(rest_b).for_each(|(&a, &b)| row.add(a, b));
    row
}

/// Adds the products of two slices, whole vectors long, to every eighth sum.
#[inline(always)]
fn add_products(a: &[f64], b: &[f64], sums: &mut [f64; WIDE]) {
    let mut of = *sums;
    for (a, b) in a.as_chunks::<WIDE>().0.iter().zip(b.as_chunks::<WIDE>().0) {
        for i in 0..WIDE {
            of[i] += a[i] * b[i];
        }
    }
    *sums = of;
}
