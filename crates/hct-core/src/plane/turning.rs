//! Turning matrices round: the columns of a transposed plane are rows of what it decodes to.

use std::ops::Range;

/// Side of the blocks that are turned at a time, at most: 16 KiB of values, whatever the strides.
pub(crate) const BLOCK: usize = 64;

/// Takes some of the columns of `values`, rows of `cols`, to rows: `put(column, row, piece)` gets
/// the values of a column from a row on.
pub(crate) fn turn(
    values: &[f32],
    cols: usize,
    columns: Range<usize>,
    mut put: impl FnMut(usize, usize, &[f32]),
) {
    let rows = values.len() / cols;
    let mut block = [0f32; BLOCK * BLOCK];
    for first in columns.clone().step_by(BLOCK) {
        let width = BLOCK.min(columns.end - first);
        for top in (0..rows).step_by(BLOCK) {
            let height = BLOCK.min(rows - top);
            // A copy first: rows that lie a power of two apart would push each other out of the
            // cache when read column by column.
            for r in 0..height {
                let row = &values[(top + r) * cols + first..][..width];
                for (c, &v) in row.iter().enumerate() {
                    block[c * BLOCK + r] = v;
                }
            }
            for (c, column) in block.chunks_exact(BLOCK).take(width).enumerate() {
                put(first + c, top, &column[..height]);
            }
        }
    }
}

/// The transposed matrix of `values`, rows of `cols`.
#[cfg(feature = "encode")]
pub(crate) fn transposed(values: &[f32], cols: usize) -> Vec<f32> {
    let rows = values.len() / cols;
    let mut out = vec![0.0; values.len()];
    turn(values, cols, 0..cols, |column, row, piece| {
        out[column * rows + row..][..piece.len()].copy_from_slice(piece);
    });
    out
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for (rows, cols) in [(1, 1), (1, 200), (200, 1), (63, 65), (64, 128), (130, 67)] {
            let values: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
            let turned = transposed(&values, cols);
            for r in 0..rows {
                for c in 0..cols {
                    assert_eq!(turned[c * rows + r], values[r * cols + c]);
                }
            }
            // Some columns only: each value of theirs once.
            let some = cols / 3..cols - cols / 4;
            let mut seen = 0;
            turn(&values, cols, some.clone(), |column, row, piece| {
                assert!(some.contains(&column));
                for (k, &v) in piece.iter().enumerate() {
                    assert_eq!(v, values[(row + k) * cols + column]);
                }
                seen += piece.len();
            });
            assert_eq!(seen, rows * some.len());
        }
    }
}
