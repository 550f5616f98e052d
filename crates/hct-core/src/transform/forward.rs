//! The forward direction, which only encoders need.

use super::Transform;
use super::dct::{Dct, Line, scale};
use super::matrix::{Direction, each_column, each_row, tame};

impl<T: Line> Dct<T> {
    /// DCT-II in place: X₀ = √(1/n)·Σ xᵢ, Xₖ = √(2/n)·Σ xᵢ·cos(π(2i+1)k/2n).
    pub fn forward(&self, values: &mut [T], scratch: &mut [T]) {
        let Some(plan) = &self.plan else { return };
        debug_assert_eq!(values.len(), self.len);
        plan.process_dct2_with_scratch(values, scratch);
        scale(values, self.dc, self.ac);
    }
}

/// From values to coefficients.
struct Forward;

impl Direction for Forward {
    const INVERSE: bool = false;

    fn apply<T: Line>(dct: &Dct<T>, line: &mut [T], scratch: &mut [T]) {
        dct.forward(line, scratch);
    }
}

/// Applies `transform` to the row-major `rows` × `cols` matrix in place.
pub(crate) fn forward(values: &mut [f32], rows: usize, cols: usize, transform: Transform) {
    debug_assert_eq!(values.len(), rows * cols);
    if transform == Transform::None {
        return;
    }
    let together = tame(values);
    if transform.along_rows() {
        each_row::<Forward>(values, cols, together);
    }
    if transform.along_cols() {
        each_column::<Forward>(values, rows, cols, together);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::inverse;
    use crate::transform::matrix::Inverse;

    /// The definition, in f64.
    fn reference(x: &[f32]) -> Vec<f64> {
        let n = x.len() as f64;
        (0..x.len())
            .map(|k| {
                let norm = if k == 0 {
                    (1.0 / n).sqrt()
                } else {
                    (2.0 / n).sqrt()
                };
                let sum: f64 = x
                    .iter()
                    .enumerate()
                    .map(|(i, &v)| {
                        let angle = std::f64::consts::PI * (2.0 * i as f64 + 1.0) * k as f64;
                        f64::from(v) * (angle / (2.0 * n)).cos()
                    })
                    .sum();
                norm * sum
            })
            .collect()
    }

    #[test]
    fn matches_the_definition_at_every_small_length_and_inverts() {
        for n in (1..=70).chain([97, 128, 251, 256, 384, 576]) {
            let x: Vec<f32> = (0..n)
                .map(|i| ((i * 37 + 11) % 101) as f32 / 17.0 - 2.0)
                .collect();
            let dct = Dct::<f32>::new(n);
            let mut scratch = vec![0.0; dct.scratch_len()];
            let mut y = x.clone();
            dct.forward(&mut y, &mut scratch);
            for (got, want) in y.iter().zip(reference(&x)) {
                assert!(
                    (f64::from(*got) - want).abs() < 2e-5 * n as f64,
                    "n={n} {got} {want}"
                );
            }
            dct.inverse(&mut y, &mut scratch);
            for (a, b) in x.iter().zip(&y) {
                assert!((a - b).abs() < 1e-4, "n={n}: {a} came back as {b}");
            }
        }
    }

    #[test]
    fn a_prime_length_stays_fast() {
        // 99,991 is prime: an O(n²) fallback would take 10¹⁰ steps here.
        let dct = Dct::<f32>::new(99_991);
        let mut x: Vec<f32> = (0..99_991).map(|i| (i % 13) as f32 - 6.0).collect();
        let energy: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
        let mut scratch = vec![0.0; dct.scratch_len()];
        dct.forward(&mut x, &mut scratch);
        let after: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
        assert!((after / energy - 1.0).abs() < 1e-4);
    }

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

    /// Values of all sizes, zeros of either sign, and lines of zeros.
    fn values(n: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| {
            let noise = ((i + seed) as u32).wrapping_mul(2_654_435_761);
            match noise >> 28 {
                0 => 0.0,
                1 => -0.0,
                2 => f32::from_bits(noise >> 4),
                3 => (noise >> 8) as f32 * 1e20,
                _ => (noise >> 8) as f32 / 8_388_608.0 - 1.0,
            }
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn lines_side_by_side_get_the_bits_of_lines_alone() {
        fn check<D: Direction>(len: usize, what: &str) {
            // Groups of lines and what is left of them.
            for lines in [1, 4, 7, 21] {
                let mut alone = values(len * lines, len);
                alone[..len].fill(0.0);
                let mut rows = alone.clone();
                let mut columns = vec![0.0; len * lines];
                for (i, v) in alone.iter().enumerate() {
                    columns[i % len * lines + i / len] = *v;
                }
                let dct = Dct::<f32>::new(len);
                let mut scratch = vec![0.0; dct.scratch_len()];
                for line in alone.chunks_exact_mut(len) {
                    D::apply(&dct, line, &mut scratch);
                }
                each_row::<D>(&mut rows, len, true);
                each_column::<D>(&mut columns, len, lines, true);
                for (i, v) in alone.iter().enumerate() {
                    let (row, column) = (rows[i], columns[i % len * lines + i / len]);
                    assert_eq!(row.to_bits(), v.to_bits(), "{what}: {i} of rows of {len}");
                    assert_eq!(
                        column.to_bits(),
                        v.to_bits(),
                        "{what}: {i} of columns of {len}"
                    );
                }
            }
        }
        // Powers of two, other smooth lengths, primes whose predecessors are smooth and are not.
        let lengths = (2..=70).chain([97, 127, 128, 251, 256, 360, 499, 512, 576, 719, 1021, 1024]);
        let lengths: Vec<usize> = lengths.chain([1376, 1536, 2048, 4096]).collect();
        crate::simd::same_at_every_level(|| {
            for &len in &lengths {
                check::<Forward>(len, "forward");
                check::<Inverse>(len, "inverse");
            }
        });
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
