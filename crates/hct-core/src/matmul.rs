//! Matrix products of f32 whose bits depend on nothing but the operands: every element is summed
//! over the inner index in order, one rounded product and one rounded sum a term. Blocking and
//! vectors only change which elements are worked on together (Goto and van de Geijn 2008).

use std::convert::Infallible;
use std::ops::Range;

use crate::lanes::{load, store};
use crate::parallel;
use crate::simd::multiversion;

/// Rows of a micro-tile. Six rows of sixteen columns are 12 AVX2 accumulators of 16 registers, or
/// 6 of AVX-512, more than an addition's latency.
const ROWS: usize = 6;
/// Columns of a micro-tile.
const COLS: usize = 16;
/// Inner length of a block: its panel of the right operand is half of a 32 KiB first-level cache.
const INNER_BLOCK: usize = 256;
/// Columns of a block, which bounds the packed copy of the right operand to 4 MiB.
const COL_BLOCK: usize = 4096;
/// Rows that a thread takes at a time.
const ROW_BLOCK: usize = 8 * ROWS;
/// Panels that a thread packs at a time.
const PANEL_GROUP: usize = 32;

/// One row of accumulators.
type Lanes = [f32; COLS];

/// `out` += `left` · `right`, all row-major: rows × `cols` += rows × `inner` · `inner` × `cols`.
///
/// The same bits as the loop `for k { out[r][c] += left[r][k] * right[k][c] }` on every CPU and
/// for any number of threads, NaN payloads aside.
///
/// # Panics
/// When the slices' lengths do not fit these shapes.
pub fn add_product(out: &mut [f32], left: &[f32], right: &[f32], inner: usize, cols: usize) {
    add_blocks(out, Left::Rows(left), right, inner, cols, false);
}

/// `out` += `left`ᵀ · `right`, as [`add_product`]; rows of `left`, `inner` of them, are as long as `out` has
/// rows and begin `stride` apart.
///
/// # Panics
/// When the slices' lengths do not fit these shapes.
#[cfg(any(test, feature = "encode"))]
pub(crate) fn add_product_of_transposed(
    out: &mut [f32],
    (left, stride): (&[f32], usize),
    right: &[f32],
    inner: usize,
    cols: usize,
) {
    let left = Left::Columns { rows: left, stride };
    add_blocks(out, left, right, inner, cols, false);
}

/// `out` += `left` · `right`ᵀ, all row-major: rows × `cols` += rows × `inner` ·
/// (`cols` × `inner`)ᵀ, as [`add_product`].
///
/// # Panics
/// When the slices' lengths do not fit these shapes.
pub fn add_product_transposed(
    out: &mut [f32],
    left: &[f32],
    right: &[f32],
    inner: usize,
    cols: usize,
) {
    add_blocks(out, Left::Rows(left), right, inner, cols, true);
}

/// The left operand.
#[derive(Clone, Copy)]
enum Left<'a> {
    /// Row-major.
    Rows(&'a [f32]),
    /// The rows of its transpose, which begin `stride` apart.
    #[cfg_attr(not(feature = "encode"), allow(dead_code, reason = "encoders have it"))]
    Columns { rows: &'a [f32], stride: usize },
}

impl Left<'_> {
    fn is_empty(self) -> bool {
        match self {
            Left::Rows(values) | Left::Columns { rows: values, .. } => values.is_empty(),
        }
    }

    /// Whether it is of such a shape.
    fn fits(self, rows: usize, inner: usize) -> bool {
        match self {
            Left::Rows(values) => values.len() == rows * inner,
            Left::Columns {
                rows: values,
                stride,
            } => {
                let last = inner.checked_sub(1).map(|k| k * stride + rows);
                rows <= stride && last.is_none_or(|last| last <= values.len())
            }
        }
    }

    /// Packs `rows` into tiles, of the inner indices from `first` on.
    fn pack(
        self,
        rows: Range<usize>,
        inner: usize,
        first: usize,
        depth: usize,
        tiles: &mut [[f32; ROWS]],
    ) {
        match self {
            Left::Rows(values) => {
                let rows = values[rows.start * inner..rows.end * inner].chunks(ROWS * inner);
                for (tile, rows) in tiles.chunks_exact_mut(depth).zip(rows) {
                    pack_rows(tile, rows, inner, first);
                }
            }
            Left::Columns {
                rows: values,
                stride,
            } => {
                let lines = values[first * stride..].chunks(stride);
                pack_panels(tiles, depth, lines.map(|line| &line[rows.clone()]));
            }
        }
    }
}

fn add_blocks(
    out: &mut [f32],
    left: Left<'_>,
    right: &[f32],
    inner: usize,
    cols: usize,
    transposed: bool,
) {
    assert_eq!(right.len(), inner * cols, "the right operand's shape");
    if inner == 0 || cols == 0 {
        assert!(out.is_empty() || cols > 0, "the sum's shape");
        assert!(left.is_empty() || inner > 0, "the left operand's shape");
        return;
    }
    assert!(out.len().is_multiple_of(cols), "the sum's shape");
    let rows = out.len() / cols;
    assert!(left.fits(rows, inner), "the left operand's shape");
    let mut panels = Vec::new();
    for first_col in (0..cols).step_by(COL_BLOCK) {
        let width = COL_BLOCK.min(cols - first_col);
        // Blocks of the inner index come in order and go on from what `out` holds.
        for first in (0..inner).step_by(INNER_BLOCK) {
            let depth = INNER_BLOCK.min(inner - first);
            panels.resize(width.div_ceil(COLS) * depth, [0.0; COLS]);
            let groups: Vec<_> = panels
                .chunks_mut(PANEL_GROUP * depth)
                .zip((first_col..).step_by(PANEL_GROUP * COLS))
                .collect();
            let Ok(()) = parallel::for_each(groups, |(group, col)| {
                let end = cols.min(col + group.len() / depth * COLS);
                if transposed {
                    let rows = right[col * inner..end * inner].chunks(COLS * inner);
                    for (panel, rows) in group.chunks_exact_mut(depth).zip(rows) {
                        pack_rows(panel, rows, inner, first);
                    }
                } else {
                    let rows = right[first * cols..].chunks_exact(cols);
                    pack_panels(group, depth, rows.map(|row| &row[col..end]));
                }
                Ok::<_, Infallible>(())
            });
            let block = Block {
                panels: &panels,
                depth,
                stride: cols,
                cols: first_col..first_col + width,
            };
            let strips: Vec<_> = out
                .chunks_mut(ROW_BLOCK * cols)
                .zip((0..rows).step_by(ROW_BLOCK))
                .collect();
            let Ok(()) = parallel::for_each(strips, |(out, row)| {
                let of = row..row + out.len() / cols;
                let mut tiles = vec![[0.0; ROWS]; of.len().div_ceil(ROWS) * depth];
                left.pack(of, inner, first, depth, &mut tiles);
                add_block(out, &tiles, &block);
                Ok::<_, Infallible>(())
            });
        }
    }
}

/// Interleaves up to `N` rows of `len` values from position `first` on; lanes without a row keep
/// what they hold, which reaches no sum.
fn pack_rows<const N: usize>(packed: &mut [[f32; N]], rows: &[f32], len: usize, first: usize) {
    for (i, row) in rows.chunks_exact(len).enumerate() {
        let values = packed.iter_mut().zip(&row[first..]);
        values.for_each(|(p, &v)| p[i] = v);
    }
}

/// Cuts `depth` rows into panels of `N` columns, row by row as they lie in memory; zeros are past their last
/// column.
fn pack_panels<'a, const N: usize>(
    panels: &mut [[f32; N]],
    depth: usize,
    rows: impl Iterator<Item = &'a [f32]>,
) {
    for (k, row) in rows.take(depth).enumerate() {
        let pieces = row.chunks(N);
        for (packed, values) in panels[k..].iter_mut().step_by(depth).zip(pieces) {
            *packed = load(values);
        }
    }
}

/// A block of the right operand, and where in the sum its columns go.
struct Block<'a> {
    /// Panels of `COLS` columns, `depth` entries each.
    panels: &'a [Lanes],
    depth: usize,
    /// Columns of the sum.
    stride: usize,
    /// Columns of the sum that this block adds to.
    cols: Range<usize>,
}

multiversion! {
    /// Adds the product of packed rows, in tiles of `ROWS` rows and `depth` entries, and a block.
    fn add_block(out: &mut [f32], tiles: &[[f32; ROWS]], block: &Block<'_>) = add_block_body;
}

#[inline(always)]
fn add_block_body(out: &mut [f32], tiles: &[[f32; ROWS]], block: &Block<'_>) {
    let Block { depth, stride, .. } = *block;
    let cols = block.cols.clone().step_by(COLS);
    for (panel, col) in block.panels.chunks_exact(depth).zip(cols) {
        let lanes = COLS.min(block.cols.end - col);
        for (tile, rows) in tiles.chunks_exact(depth).zip(out.chunks_mut(ROWS * stride)) {
            let mut sums = [[0f32; COLS]; ROWS];
            for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(stride)) {
                *sum = load(&row[col..col + lanes]);
            }
            accumulate(&mut sums, tile, panel);
            for (sum, row) in sums.iter().zip(rows.chunks_exact_mut(stride)) {
                store(sum, &mut row[col..col + lanes]);
            }
        }
    }
}

/// The micro-kernel. Its shape, accumulators by name and one loop over the columns, is what the
/// compiler keeps in vector registers at every optimization level.
#[inline(always)]
fn accumulate(sums: &mut [Lanes; ROWS], tile: &[[f32; ROWS]], panel: &[Lanes]) {
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5] = *sums;
    for (w, v) in tile.iter().zip(panel) {
        for c in 0..COLS {
            s0[c] += w[0] * v[c];
            s1[c] += w[1] * v[c];
            s2[c] += w[2] * v[c];
            s3[c] += w[3] * v[c];
            s4[c] += w[4] * v[c];
            s5[c] += w[5] * v[c];
        }
    }
    *sums = [s0, s1, s2, s3, s4, s5];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of mixed sign and magnitude, some of them ±0.
    fn values(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let magnitude =
                    (state >> 8) as f32 * [1e-7, 0.0, -3e-4, 2.5][(state >> 30) as usize];
                magnitude - 0.25 * magnitude.trunc()
            })
            .collect()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|v| v.to_bits()).collect()
    }

    fn naive(out: &mut [f32], left: &[f32], right: &[f32], inner: usize, cols: usize) {
        for (r, row) in out.chunks_exact_mut(cols).enumerate() {
            for (c, o) in row.iter_mut().enumerate() {
                for k in 0..inner {
                    *o += left[r * inner + k] * right[k * cols + c];
                }
            }
        }
    }

    fn transpose(values: &[f32], cols: usize) -> Vec<f32> {
        let rows = values.len() / cols;
        (0..values.len())
            .map(|i| values[i % rows * cols + i / rows])
            .collect()
    }

    const SHAPES: [(usize, usize, usize); 11] = [
        (1, 1, 1),
        (1, 0, 3),
        (5, 1, 7),
        (6, 2, 16),
        (7, 3, 17),
        (13, 257, 15),
        (97, 31, 101),
        (193, 300, 33),
        (2, 513, 1),
        (1, 256, 4099),
        (12, 5, 8193),
    ];

    #[test]
    fn all_products_have_the_bits_of_the_naive_loop() {
        for (rows, inner, cols) in SHAPES {
            let (left, right) = (values(rows * inner, 1), values(inner * cols, 2));
            let start = values(rows * cols, 3);
            let mut expected = start.clone();
            naive(&mut expected, &left, &right, inner, cols);
            let mut plain = start.clone();
            add_product(&mut plain, &left, &right, inner, cols);
            assert_eq!(bits(&plain), bits(&expected), "{rows} × {inner} × {cols}");
            let mut transposed = start.clone();
            add_product_transposed(
                &mut transposed,
                &left,
                &transpose(&right, cols),
                inner,
                cols,
            );
            assert_eq!(
                bits(&transposed),
                bits(&expected),
                "{rows} × {inner} × {cols}"
            );
            // Rows of the transpose with something between them, but not after the last.
            let stride = rows + 5;
            let mut apart: Vec<f32> = transpose(&left, inner.max(1))
                .chunks(rows)
                .flat_map(|row| [row, &[f32::NAN; 5]].concat())
                .collect();
            apart.truncate(apart.len().saturating_sub(5));
            let mut of_columns = start;
            add_product_of_transposed(&mut of_columns, (&apart, stride), &right, inner, cols);
            assert_eq!(
                bits(&of_columns),
                bits(&expected),
                "{rows} × {inner} × {cols}"
            );
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        // The dispatched version against the baseline one.
        let (rows, inner, cols) = (6, 100, 16);
        let (tiles, panels) = (values(inner * ROWS, 4), values(inner * COLS, 5));
        let block = Block {
            panels: panels.as_chunks().0,
            depth: inner,
            stride: cols,
            cols: 0..cols,
        };
        let mut dispatched = values(rows * cols, 6);
        let mut baseline = dispatched.clone();
        add_block(&mut dispatched, tiles.as_chunks().0, &block);
        add_block_body(&mut baseline, tiles.as_chunks().0, &block);
        assert_eq!(bits(&dispatched), bits(&baseline));
    }

    #[test]
    fn threads_do_not_change_the_bits() {
        let (rows, inner, cols) = (500, 300, 70);
        let (left, right) = (values(rows * inner, 7), values(inner * cols, 8));
        let product = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            let mut out = vec![0.0; rows * cols];
            pool.install(|| add_product(&mut out, &left, &right, inner, cols));
            out
        };
        assert_eq!(bits(&product(1)), bits(&product(3)));
    }
}
