//! The arithmetic of a column: loops over its rows.

use crate::simd::multiversion;

/// Rows whose targets are held in registers while errors are added to them.
const STRIP: usize = 64;
/// Rows of a vector of them.
const WIDE: usize = STRIP / 4;
/// Partial sums, each of every eighth square: in vectors, and in an order that the source fixes.
const SUMS: usize = 8;

multiversion! {
    /// Adds to `targets` what the errors of columns before leave to them: for each coefficient in turn, so
    /// many times the errors of its column. Columns of `errors` begin `stride` apart.
    pub(super) fn make_up(targets: &mut [f32], coefficients: &[f32], errors: &[f32], stride: usize) =
        make_up_body;
}

#[inline(always)]
fn make_up_body(targets: &mut [f32], coefficients: &[f32], errors: &[f32], stride: usize) {
    let (strips, rest) = targets.as_chunks_mut::<STRIP>();
    let mut first = 0;
    for strip in strips {
        let (vectors, _) = strip.as_chunks_mut::<WIDE>();
        let [s0, s1, s2, s3] = vectors else { break };
        let mut sums = [*s0, *s1, *s2, *s3];
        for (i, &a) in coefficients.iter().enumerate() {
            add_strip(&mut sums, a, &errors[i * stride + first..][..STRIP]);
        }
        [*s0, *s1, *s2, *s3] = sums;
        first += STRIP;
    }
    for (i, &a) in coefficients.iter().enumerate() {
        let errors = &errors[i * stride + first..];
        rest.iter_mut().zip(errors).for_each(|(t, e)| *t += a * e);
    }
}

/// By name, which is what the compiler keeps in registers.
#[inline(always)]
fn add_strip(sums: &mut [[f32; WIDE]; 4], a: f32, errors: &[f32]) {
    let [mut s0, mut s1, mut s2, mut s3] = *sums;
    let (vectors, _) = errors.as_chunks::<WIDE>();
    if let [e0, e1, e2, e3] = vectors {
        for r in 0..WIDE {
            s0[r] += a * e0[r];
            s1[r] += a * e1[r];
            s2[r] += a * e2[r];
            s3[r] += a * e3[r];
        }
    }
    *sums = [s0, s1, s2, s3];
}

multiversion! {
    /// Sum of squares of `a` less `b`.
    pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 = squared_distance_body;
}

#[inline(always)]
fn squared_distance_body(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0; SUMS];
    for (a, b) in a.chunks(SUMS).zip(b.chunks(SUMS)) {
        for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            let d = f64::from(a - b);
            *sum += d * d;
        }
    }
    total(sums)
}

multiversion! {
    /// Multiplies values by those of their rows and then by that of their column.
    pub(super) fn scale(values: &mut [f32], rows: &[f32], column: f32) = scale_body;
}

#[inline(always)]
fn scale_body(values: &mut [f32], rows: &[f32], column: f32) {
    for (v, row) in values.iter_mut().zip(rows) {
        *v = *v * row * column;
    }
}

multiversion! {
    /// What `weights` are more than `decoded` times `inverse`, into `errors`. Returns the sum of squares of errors
    /// times `factors`, the errors of what `decoded` is of.
    pub(super) fn errors_of(
        weights: &[f32],
        decoded: &[f32],
        inverse: &[f32],
        factors: &[f32],
        errors: &mut [f32],
    ) -> f64 = errors_of_body;
}

#[inline(always)]
fn errors_of_body(
    weights: &[f32],
    decoded: &[f32],
    inverse: &[f32],
    factors: &[f32],
    errors: &mut [f32],
) -> f64 {
    let values = weights.iter().zip(decoded).zip(inverse);
    for (e, ((w, d), inverse)) in errors.iter_mut().zip(values) {
        *e = w - d * inverse;
    }
    let mut sums = [0.0; SUMS];
    for (errors, factors) in errors.chunks(SUMS).zip(factors.chunks(SUMS)) {
        for (sum, (&e, &factor)) in sums.iter_mut().zip(errors.iter().zip(factors)) {
            let d = f64::from(e) * f64::from(factor);
            *sum += d * d;
        }
    }
    total(sums)
}

#[inline(always)]
fn total([a, b, c, d, e, f, g, h]: [f64; SUMS]) -> f64 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::same_at_every_level;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let value = |i: usize| (i as u32 ^ seed).wrapping_mul(2_654_435_761) >> 8;
        (0..n)
            .map(|i| value(i) as f32 / 8_388_608.0 - 1.0)
            .collect()
    }

    #[test]
    fn errors_are_added_column_by_column_whatever_is_held_in_registers() {
        for (rows, columns) in [(1, 1), (63, 2), (64, 0), (65, 5), (300, 64)] {
            let stride = rows + 3;
            let errors = noise(stride * columns, 1);
            let coefficients = noise(columns, 2);
            let targets = noise(rows, 3);
            let mut expected = targets.clone();
            for (i, &a) in coefficients.iter().enumerate() {
                let errors = &errors[i * stride..];
                expected
                    .iter_mut()
                    .zip(errors)
                    .for_each(|(t, e)| *t += a * e);
            }
            let found = same_at_every_level(|| {
                let mut targets = targets.clone();
                make_up(&mut targets, &coefficients, &errors, stride);
                targets
            });
            assert_eq!(found, expected, "{rows} rows, {columns} columns");
        }
    }

    #[test]
    fn errors_are_what_is_left_and_their_squares_count_as_those_of_the_weights() {
        for n in [1, 7, 8, 100] {
            let weights = noise(n, 4);
            let factors: Vec<f32> = (0..n).map(|i| (1 + i % 3) as f32).collect();
            let inverse: Vec<f32> = factors.iter().map(|f| 1.0 / f).collect();
            let points = noise(n, 5);
            let decoded = same_at_every_level(|| {
                let mut decoded = points.clone();
                scale(&mut decoded, &factors, 0.5);
                decoded
            });
            let expected: Vec<f32> = points
                .iter()
                .zip(&factors)
                .map(|(p, f)| p * f * 0.5)
                .collect();
            assert_eq!(decoded, expected);
            let (errors, sum) = same_at_every_level(|| {
                let mut errors = vec![0.0; n];
                let sum = errors_of(&weights, &decoded, &inverse, &factors, &mut errors);
                (errors, sum)
            });
            let mut expected = 0.0;
            for i in 0..n {
                assert_eq!(errors[i], weights[i] - decoded[i] * inverse[i]);
                expected += (f64::from(errors[i]) * f64::from(factors[i])).powi(2);
            }
            assert!((sum / expected - 1.0).abs() < 1e-12);
            let distance = same_at_every_level(|| squared_distance(&weights, &points));
            let squares = weights.iter().zip(&points);
            let expected: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
            assert!((distance / expected - 1.0).abs() < 1e-12);
        }
    }
}
