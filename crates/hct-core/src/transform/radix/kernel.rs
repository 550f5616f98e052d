//! The split radix: a transform is one of half its length and two of a quarter.

use std::arch::x86_64::{
    __m256, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps, _mm256_unpackhi_ps,
    _mm256_unpacklo_ps, _mm256_xor_ps,
};

use super::small::{
    add, difference, forward8, forward16, inverse8, inverse16, neg, sub, sum, times,
};
use super::twiddles::Twiddles;

/// Lines that go side by side.
pub(super) const WIDTH: usize = 8;

/// A transform of one length.
#[derive(Clone, Copy)]
pub(in crate::transform) struct Radix {
    /// Towards values rather than coefficients.
    pub inverse: bool,
    /// Factor of the first coefficient.
    pub first: f32,
    /// Factor of the others.
    pub others: f32,
}

/// Transforms a group of lines in place, orthonormally.
#[target_feature(enable = "avx2")]
pub(super) fn transform(
    radix: Radix,
    twiddles: &Twiddles,
    line: &mut [__m256],
    scratch: &mut [__m256],
) {
    if radix.inverse {
        scale(radix, line);
        inverse(twiddles, line, scratch);
    } else {
        forward(twiddles, line, scratch);
        scale(radix, line);
    }
}

#[target_feature(enable = "avx2")]
fn scale(radix: Radix, line: &mut [__m256]) {
    let (first, others) = line.split_at_mut(1);
    first[0] = times(first[0], radix.first);
    for v in others {
        *v = times(*v, radix.others);
    }
}

#[target_feature(enable = "avx2")]
fn forward(t: &Twiddles, line: &mut [__m256], scratch: &mut [__m256]) {
    if let Ok(line) = <&mut [__m256; 8]>::try_from(&mut *line) {
        *line = forward8(*line, t);
        return;
    }
    if let Ok(line) = <&mut [__m256; 16]>::try_from(&mut *line) {
        *line = forward16(*line, t);
        return;
    }
    let len = line.len();
    let (half, quarter) = (len / 2, len / 4);
    let (even, odd) = scratch[..len].split_at_mut(half);
    let (cosines, sines) = odd.split_at_mut(quarter);
    {
        let (low, high) = line.split_at(half);
        let ((a, b), (c, d)) = (low.split_at(quarter), high.split_at(quarter));
        let inputs = a.iter().zip(d.iter().rev()).zip(b.iter().rev()).zip(c);
        let (first, last) = even.split_at_mut(quarter);
        let halves = first.iter_mut().zip(last.iter_mut().rev());
        let quarters = cosines.iter_mut().zip(sines.iter_mut().rev());
        let outputs = halves.zip(quarters).zip(t.of(len));
        let mut sign = _mm256_set1_ps(0.0);
        for ((((&a, &d), &b), &c), (((e, f), (p, q)), &[cos, sin])) in inputs.zip(outputs) {
            *e = add(d, a);
            *f = add(b, c);
            let (lower, upper) = (sub(a, d), sub(b, c));
            *p = sum(lower, cos, upper, sin);
            *q = _mm256_xor_ps(difference(upper, cos, lower, sin), sign);
            sign = neg(sign);
        }
    }
    forward(t, even, line);
    forward(t, cosines, line);
    forward(t, sines, line);
    let (first, middle) = line.split_at_mut(3);
    (first[0], first[1], first[2]) = (even[0], cosines[0], even[1]);
    let (fours, last) = middle.as_chunks_mut::<4>();
    let (pairs, _) = even[2..].as_chunks::<2>();
    let turned = cosines[1..].iter().zip(sines[1..].iter().rev());
    let mut sign = _mm256_set1_ps(0.0);
    for ((four, &[e, f]), (&p, &q)) in fours.iter_mut().zip(pairs).zip(turned) {
        let q = _mm256_xor_ps(q, sign);
        sign = neg(sign);
        *four = [add(p, q), e, sub(p, q), f];
    }
    last[0] = neg(sines[0]);
}

#[target_feature(enable = "avx2")]
fn inverse(t: &Twiddles, line: &mut [__m256], scratch: &mut [__m256]) {
    if let Ok(line) = <&mut [__m256; 8]>::try_from(&mut *line) {
        *line = inverse8(*line, t);
        return;
    }
    if let Ok(line) = <&mut [__m256; 16]>::try_from(&mut *line) {
        *line = inverse16(*line, t);
        return;
    }
    let len = line.len();
    let (half, quarter) = (len / 2, len / 4);
    let (even, odd) = scratch[..len].split_at_mut(half);
    let (cosines, sines) = odd.split_at_mut(quarter);
    (even[0], even[1]) = (line[0], line[2]);
    (cosines[0], sines[0]) = (times(line[1], 2.0), times(line[len - 1], 2.0));
    {
        let (fours, _) = line[3..].as_chunks::<4>();
        let (pairs, _) = even[2..].as_chunks_mut::<2>();
        let turned = cosines[1..].iter_mut().zip(sines[1..].iter_mut().rev());
        for ((&[a, e, b, f], pair), (p, q)) in fours.iter().zip(pairs).zip(turned) {
            *pair = [e, f];
            *p = add(a, b);
            *q = sub(a, b);
        }
    }
    inverse(t, even, line);
    inverse(t, cosines, line);
    inverse(t, sines, line);
    let (low, high) = line.split_at_mut(half);
    let ((a, b), (c, d)) = (low.split_at_mut(quarter), high.split_at_mut(quarter));
    let outputs = a
        .iter_mut()
        .zip(d.iter_mut().rev())
        .zip(b.iter_mut().rev())
        .zip(c);
    let (first, last) = even.split_at(quarter);
    let halves = first.iter().zip(last.iter().rev());
    let inputs = halves.zip(cosines.iter().zip(&*sines)).zip(t.of(len));
    let mut sign = _mm256_set1_ps(0.0);
    for ((((a, d), b), c), (((&e, &f), (&p, &q)), &[cos, sin])) in outputs.zip(inputs) {
        let q = _mm256_xor_ps(q, sign);
        sign = neg(sign);
        let (lower, upper) = (sum(p, cos, q, sin), difference(p, sin, q, cos));
        (*a, *d) = (add(e, lower), sub(e, lower));
        (*b, *c) = (add(f, upper), sub(f, upper));
    }
}

/// Exchanges rows and columns of a square of values.
#[target_feature(enable = "avx2")]
pub(super) fn transpose(square: &mut [__m256; WIDTH]) {
    let pairs = |a, b| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let [a, b, c, d, e, f, g, h] = *square;
    let ((ab, ab2), (cd, cd2)) = (pairs(a, b), pairs(c, d));
    let ((ef, ef2), (gh, gh2)) = (pairs(e, f), pairs(g, h));
    let fours = |a, b| {
        (
            _mm256_shuffle_ps::<0x44>(a, b),
            _mm256_shuffle_ps::<0xee>(a, b),
        )
    };
    let ((p0, p1), (p2, p3)) = (fours(ab, cd), fours(ab2, cd2));
    let ((q0, q1), (q2, q3)) = (fours(ef, gh), fours(ef2, gh2));
    let low = |p, q| _mm256_permute2f128_ps::<0x20>(p, q);
    let high = |p, q| _mm256_permute2f128_ps::<0x31>(p, q);
    *square = [
        low(p0, q0),
        low(p1, q1),
        low(p2, q2),
        low(p3, q3),
        high(p0, q0),
        high(p1, q1),
        high(p2, q2),
        high(p3, q3),
    ];
}
