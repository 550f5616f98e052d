//! 2-D application of the DCT. Lines go side by side through vector registers, eight at a time where
//! their length is a power of two and the CPU has AVX2, otherwise [`WIDTH`]; what is left over, and
//! lines that are very long, one by one. All give the same bits.

use super::Transform;
#[cfg(target_arch = "x86_64")]
use super::dct::factors;
use super::dct::{Dct, Line};
use super::lanes::{Lanes, WIDTH};
#[cfg(target_arch = "x86_64")]
use super::radix::{self, Radix};
use crate::simd::multiversion;

/// Longest line that is transformed beside others, whose memory is that of [`WIDTH`] lines.
const LONGEST: usize = 1 << 16;
/// Groups of [`WIDTH`] columns that are copied together, to use up the cache lines of a row.
const GROUPS: usize = 4;
const BLOCK: usize = GROUPS * WIDTH;

/// A direction of the transform, on lines of any number type.
pub(super) trait Direction {
    const INVERSE: bool;

    fn apply<T: Line>(dct: &Dct<T>, line: &mut [T], scratch: &mut [T]);
}

/// From coefficients to values.
pub(super) struct Inverse;

impl Direction for Inverse {
    const INVERSE: bool = true;

    fn apply<T: Line>(dct: &Dct<T>, line: &mut [T], scratch: &mut [T]) {
        dct.inverse(line, scratch);
    }
}

/// Undoes `transform` of the row-major `rows` × `cols` matrix in place.
pub(crate) fn inverse(values: &mut [f32], rows: usize, cols: usize, transform: Transform) {
    debug_assert_eq!(values.len(), rows * cols);
    if transform == Transform::None {
        return;
    }
    let together = tame(values);
    if transform.along_cols() {
        each_column::<Inverse>(values, rows, cols, together);
    }
    if transform.along_rows() {
        each_row::<Inverse>(values, cols, together);
    }
}

multiversion! {
    /// Whether values are so far from the end of the f32 range that no transform in either direction
    /// reaches it. Where one does, a NaN follows, whose bits are those of whatever the compiler made of
    /// a sum: lines then go one by one, lest they depend on the CPU.
    pub(super) fn tame(values: &[f32]) -> bool = tame_body;
}

#[inline(always)]
fn tame_body(values: &[f32]) -> bool {
    // A sum of 2¹⁶ values, several times as large on its way, and that twice. The bits of magnitudes
    // order as the magnitudes do, with infinity and NaN on top.
    const LIMIT: u32 = ((1u64 << 63) as f32).to_bits();
    values.iter().fold(0, |m, v| v.abs().to_bits().max(m)) < LIMIT
}

/// Transforms every row of a matrix, side by side where they may go together.
pub(super) fn each_row<D: Direction>(values: &mut [f32], cols: usize, together: bool) {
    if cols < 2 {
        return;
    }
    let together = together && cols <= LONGEST;
    let done = if together {
        wide_rows::<D>(values, cols)
    } else {
        0
    };
    let (_, values) = values.split_at_mut(done);
    let side_by_side = match together {
        true => values.len() / (cols * WIDTH) * (cols * WIDTH),
        false => 0,
    };
    let (groups, single) = values.split_at_mut(side_by_side);
    if !groups.is_empty() {
        let dct = Dct::<Lanes>::new(cols);
        let mut scratch = vec![Lanes::default(); dct.scratch_len()];
        let mut line = vec![Lanes::default(); cols];
        for rows in groups.chunks_exact_mut(cols * WIDTH) {
            weave(rows, &mut line);
            D::apply(&dct, &mut line, &mut scratch);
            unweave(&line, rows);
        }
    }
    if !single.is_empty() {
        let dct = Dct::<f32>::new(cols);
        let mut scratch = vec![0.0; dct.scratch_len()];
        for row in single.chunks_exact_mut(cols) {
            D::apply(&dct, row, &mut scratch);
        }
    }
}

/// The transform of wide vectors for lines of some length, where there is one.
#[cfg(target_arch = "x86_64")]
fn wide<D: Direction>(len: usize) -> Option<Radix> {
    let (dc, ac) = factors(len);
    let radix = Radix {
        inverse: D::INVERSE,
        first: if D::INVERSE { 2.0 * dc } else { dc },
        others: ac,
    };
    radix::suits(len).then_some(radix)
}

/// Transforms the first rows in wide vectors; returns how many values they are.
#[cfg(target_arch = "x86_64")]
fn wide_rows<D: Direction>(values: &mut [f32], cols: usize) -> usize {
    wide::<D>(cols).map_or(0, |radix| radix::rows(values, cols, radix))
}

/// Transforms the first columns in wide vectors; returns how many they are.
#[cfg(target_arch = "x86_64")]
fn wide_columns<D: Direction>(values: &mut [f32], rows: usize, cols: usize) -> usize {
    wide::<D>(rows).map_or(0, |radix| radix::columns(values, rows, cols, radix))
}

#[cfg(not(target_arch = "x86_64"))]
fn wide_rows<D: Direction>(_: &mut [f32], _: usize) -> usize {
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn wide_columns<D: Direction>(_: &mut [f32], _: usize, _: usize) -> usize {
    0
}

/// [`WIDTH`] rows into the lanes of one line.
fn weave(rows: &[f32], line: &mut [Lanes]) {
    let cols = line.len();
    let row = |r: usize| rows[r * cols..(r + 1) * cols].as_chunks::<WIDTH>();
    let [(a, at), (b, bt), (c, ct), (d, dt)] = [row(0), row(1), row(2), row(3)];
    let (squares, tail) = line.as_chunks_mut::<WIDTH>();
    for ((((square, &a), &b), &c), &d) in squares.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let rows = [Lanes::new(a), Lanes::new(b), Lanes::new(c), Lanes::new(d)];
        *square = Lanes::transpose(rows);
    }
    for (i, lanes) in tail.iter_mut().enumerate() {
        *lanes = Lanes::new([at[i], bt[i], ct[i], dt[i]]);
    }
}

/// Inverse of [`weave`].
fn unweave(line: &[Lanes], rows: &mut [f32]) {
    let cols = line.len();
    let (squares, tail) = line.as_chunks::<WIDTH>();
    let (ab, cd) = rows.split_at_mut(2 * cols);
    let ((a, b), (c, d)) = (ab.split_at_mut(cols), cd.split_at_mut(cols));
    let row = |r| <[f32]>::as_chunks_mut::<WIDTH>(r);
    let [(a, at), (b, bt), (c, ct), (d, dt)] = [row(a), row(b), row(c), row(d)];
    for ((((square, a), b), c), d) in squares.iter().zip(a).zip(b).zip(c).zip(d) {
        let [ra, rb, rc, rd] = Lanes::transpose(*square);
        (*a, *b, *c, *d) = (ra.array(), rb.array(), rc.array(), rd.array());
    }
    for (i, lanes) in tail.iter().enumerate() {
        [at[i], bt[i], ct[i], dt[i]] = lanes.array();
    }
}

/// Transforms every column of a matrix, side by side where they may go together.
pub(super) fn each_column<D: Direction>(
    values: &mut [f32],
    rows: usize,
    cols: usize,
    together: bool,
) {
    if rows < 2 {
        return;
    }
    if !together || rows > LONGEST {
        return each_column_alone::<D>(values, rows, cols);
    }
    let dct = Dct::<Lanes>::new(rows);
    let mut scratch = vec![Lanes::default(); dct.scratch_len()];
    let mut lines = vec![Lanes::default(); rows * GROUPS];
    for first in (wide_columns::<D>(values, rows, cols)..cols).step_by(BLOCK) {
        let block = first..cols.min(first + BLOCK);
        for (r, row) in values.chunks_exact(cols).enumerate() {
            let (whole, tail) = row[block.clone()].as_chunks::<WIDTH>();
            for (g, &lanes) in whole.iter().enumerate() {
                lines[g * rows + r] = Lanes::new(lanes);
            }
            if !tail.is_empty() {
                let mut lanes = [0.0; WIDTH];
                lanes[..tail.len()].copy_from_slice(tail);
                lines[whole.len() * rows + r] = Lanes::new(lanes);
            }
        }
        for line in lines
            .chunks_exact_mut(rows)
            .take(block.len().div_ceil(WIDTH))
        {
            D::apply(&dct, line, &mut scratch);
        }
        for (r, row) in values.chunks_exact_mut(cols).enumerate() {
            let (whole, tail) = row[block.clone()].as_chunks_mut::<WIDTH>();
            for (g, lanes) in whole.iter_mut().enumerate() {
                *lanes = lines[g * rows + r].array();
            }
            if !tail.is_empty() {
                let lanes = lines[whole.len() * rows + r].array();
                tail.copy_from_slice(&lanes[..tail.len()]);
            }
        }
    }
}

/// [`each_column`] one by one.
fn each_column_alone<D: Direction>(values: &mut [f32], rows: usize, cols: usize) {
    let dct = Dct::<f32>::new(rows);
    let mut scratch = vec![0.0; dct.scratch_len()];
    let mut column = vec![0.0; rows];
    for c in 0..cols {
        for (v, row) in column.iter_mut().zip(values.chunks_exact(cols)) {
            *v = row[c];
        }
        D::apply(&dct, &mut column, &mut scratch);
        for (v, row) in column.iter().zip(values.chunks_exact_mut(cols)) {
            row[c] = *v;
        }
    }
}
