//! Column order: the symbols of a tile column by column.

/// Side of the blocks that are turned at a time: 16 KiB of values, whatever the strides.
const BLOCK: usize = 64;

/// Puts the transposed matrix of `values`, lines of `line` values, into `out`.
pub(crate) fn transpose(values: &[f32], line: usize, out: &mut [f32]) {
    assert_eq!(values.len(), out.len());
    let lines = values.len() / line;
    let mut block = [0f32; BLOCK * BLOCK];
    for first in (0..line).step_by(BLOCK) {
        let width = BLOCK.min(line - first);
        for top in (0..lines).step_by(BLOCK) {
            let height = BLOCK.min(lines - top);
            // A copy first: lines that lie a power of two apart would push each other out of the
            // cache when read across.
            for r in 0..height {
                let piece = &values[(top + r) * line + first..][..width];
                for (c, &v) in piece.iter().enumerate() {
                    block[c * BLOCK + r] = v;
                }
            }
            for (c, piece) in block.chunks_exact(BLOCK).take(width).enumerate() {
                out[(first + c) * lines + top..][..height].copy_from_slice(&piece[..height]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for (rows, cols) in [(1, 1), (1, 200), (200, 1), (63, 65), (64, 128), (130, 67)] {
            let values: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
            let mut turned = vec![f32::NAN; values.len()];
            transpose(&values, cols, &mut turned);
            for r in 0..rows {
                for c in 0..cols {
                    assert_eq!(turned[c * rows + r], values[r * cols + c]);
                }
            }
        }
    }
}
