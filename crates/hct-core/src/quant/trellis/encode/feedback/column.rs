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
