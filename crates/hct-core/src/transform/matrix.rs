//! 2-D application of the DCT: rows in place, columns through transposed blocks.

use super::Transform;
use super::dct::Dct;

/// Columns transformed together: one cache line of f32 per row touched.
const BLOCK: usize = 16;

/// Undoes `transform` of the row-major `rows` × `cols` matrix in place.
pub(crate) fn inverse(values: &mut [f32], rows: usize, cols: usize, transform: Transform) {
    debug_assert_eq!(values.len(), rows * cols);
    if transform.along_cols() {
        each_column(values, rows, cols, |dct, col, scratch| {
            dct.inverse(col, scratch)
        });
    }
    if transform.along_rows() {
        each_row(values, cols, |dct, row, scratch| dct.inverse(row, scratch));
    }
}

pub(super) fn each_row(
    values: &mut [f32],
    cols: usize,
    apply: impl Fn(&Dct, &mut [f32], &mut [f32]),
) {
    if cols < 2 {
        return;
    }
    let dct = Dct::new(cols);
    let mut scratch = vec![0.0; dct.scratch_len()];
    for row in values.chunks_exact_mut(cols) {
        apply(&dct, row, &mut scratch);
    }
}

pub(super) fn each_column(
    values: &mut [f32],
    rows: usize,
    cols: usize,
    apply: impl Fn(&Dct, &mut [f32], &mut [f32]),
) {
    if rows < 2 {
        return;
    }
    let dct = Dct::new(rows);
    let mut scratch = vec![0.0; dct.scratch_len()];
    let mut block = vec![0.0; rows * BLOCK.min(cols)];
    for first in (0..cols).step_by(BLOCK) {
        let width = BLOCK.min(cols - first);
        for (r, row) in values.chunks_exact(cols).enumerate() {
            for (c, &v) in row[first..first + width].iter().enumerate() {
                block[c * rows + r] = v;
            }
        }
        for column in block.chunks_exact_mut(rows).take(width) {
            apply(&dct, column, &mut scratch);
        }
        for (r, row) in values.chunks_exact_mut(cols).enumerate() {
            for (c, v) in row[first..first + width].iter_mut().enumerate() {
                *v = block[c * rows + r];
            }
        }
    }
}
