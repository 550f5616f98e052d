//! 2-D application of the DCT: rows in place, columns through transposed blocks.

use super::Transform;
use super::dct::Dct;

/// Columns transformed together: one cache line of f32 per row touched.
const BLOCK: usize = 16;

/// Applies `transform` to the row-major `rows` × `cols` matrix in place.
pub(crate) fn forward(values: &mut [f32], rows: usize, cols: usize, transform: Transform) {
    debug_assert_eq!(values.len(), rows * cols);
    if transform.along_rows() {
        each_row(values, cols, |dct, row, scratch| dct.forward(row, scratch));
    }
    if transform.along_cols() {
        each_column(values, rows, cols, |dct, col, scratch| {
            dct.forward(col, scratch)
        });
    }
}

/// Inverse of [`forward`].
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

fn each_row(values: &mut [f32], cols: usize, apply: impl Fn(&Dct, &mut [f32], &mut [f32])) {
    if cols < 2 {
        return;
    }
    let dct = Dct::new(cols);
    let mut scratch = vec![0.0; dct.scratch_len()];
    for row in values.chunks_exact_mut(cols) {
        apply(&dct, row, &mut scratch);
    }
}

fn each_column(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_by_four_ramp_has_its_known_coefficients() {
        let mut m: Vec<f32> = (1..=16).map(|i| i as f32).collect();
        forward(&mut m, 4, 4, Transform::Dct2);
        assert!((m[0] - 34.0).abs() < 1e-4, "DC {}", m[0]);
        assert!((m[4] + 17.8435).abs() < 1e-3, "second row {}", m[4]);
        for (i, v) in m.iter().enumerate() {
            // A ramp has only first-row and first-column coefficients.
            assert!(i < 4 || i % 4 == 0 || v.abs() < 1e-4);
        }
    }

    #[test]
    fn every_transform_inverts_on_odd_shapes_and_keeps_energy() {
        for (rows, cols) in [
            (1, 1),
            (1, 17),
            (31, 1),
            (13, 29),
            (64, 48),
            (7, 100),
            (128, 33),
        ] {
            let m: Vec<f32> = (0..rows * cols)
                .map(|i| ((i * 7919) % 257) as f32 / 64.0 - 2.0)
                .collect();
            let energy: f64 = m.iter().map(|&v| f64::from(v).powi(2)).sum();
            for transform in Transform::ALL {
                let mut t = m.clone();
                forward(&mut t, rows, cols, transform);
                let kept: f64 = t.iter().map(|&v| f64::from(v).powi(2)).sum();
                assert!(
                    (kept / energy - 1.0).abs() < 1e-5,
                    "{rows}x{cols} {transform:?}"
                );
                inverse(&mut t, rows, cols, transform);
                for (a, b) in m.iter().zip(&t) {
                    assert!((a - b).abs() < 1e-4, "{rows}x{cols} {transform:?}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn a_non_square_matrix_matches_the_definition() {
        let (rows, cols) = (5, 3);
        let m: Vec<f32> = (0..15).map(|i| ((i * i) % 11) as f32 - 4.0).collect();
        let mut got = m.clone();
        forward(&mut got, rows, cols, Transform::Dct2);
        let basis = |n: usize, k: usize, i: usize| -> f64 {
            let scale = if k == 0 { 1.0 } else { 2.0 } / n as f64;
            let angle = std::f64::consts::PI * (2 * i + 1) as f64 * k as f64 / (2 * n) as f64;
            scale.sqrt() * angle.cos()
        };
        for u in 0..rows {
            for v in 0..cols {
                let mut want = 0.0;
                for r in 0..rows {
                    for c in 0..cols {
                        want += f64::from(m[r * cols + c]) * basis(rows, u, r) * basis(cols, v, c);
                    }
                }
                assert!((f64::from(got[u * cols + v]) - want).abs() < 1e-5);
            }
        }
    }
}
