//! Transforms of two to sixteen values: of cosines, and of sines where the odd half of a longer one
//! takes those.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_sub_ps, _mm256_xor_ps,
};
use std::f32::consts::FRAC_1_SQRT_2;

use super::twiddles::{Factor, Twiddles};

type V = __m256;

/// Functions on vectors, compiled for AVX2.
macro_rules! vectors {
    ($($(#[$meta:meta])* fn $name:ident($($args:tt)*) -> $ret:ty $body:block)+) => {$(
        $(#[$meta])*
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn $name($($args)*) -> $ret $body
    )+};
}

vectors! {
    fn add(a: V, b: V) -> V { _mm256_add_ps(a, b) }
    fn sub(a: V, b: V) -> V { _mm256_sub_ps(a, b) }
    fn neg(a: V) -> V { _mm256_xor_ps(a, _mm256_set1_ps(-0.0)) }
    /// By a number.
    fn times(a: V, b: f32) -> V { _mm256_mul_ps(a, _mm256_set1_ps(b)) }
    /// a·p + b·q, each product rounded.
    fn sum(a: V, p: f32, b: V, q: f32) -> V { add(times(a, p), times(b, q)) }
    /// a·p − b·q, each product rounded.
    fn difference(a: V, p: f32, b: V, q: f32) -> V { sub(times(a, p), times(b, q)) }

    fn forward2([a, b]: [V; 2]) -> [V; 2] {
        [add(a, b), times(sub(a, b), FRAC_1_SQRT_2)]
    }

    fn forward_sine2([a, b]: [V; 2]) -> [V; 2] {
        [times(add(a, b), FRAC_1_SQRT_2), sub(a, b)]
    }

    fn inverse2([a, b]: [V; 2]) -> [V; 2] {
        let (a, b) = (times(a, 0.5), times(b, FRAC_1_SQRT_2));
        [add(a, b), sub(a, b)]
    }

    fn inverse_sine2([a, b]: [V; 2]) -> [V; 2] {
        let (a, b) = (times(a, FRAC_1_SQRT_2), times(b, 0.5));
        [add(a, b), sub(a, b)]
    }

    fn forward4(x: [V; 4], [c, s]: Factor) -> [V; 4] {
        let (lower, upper) = (sub(x[0], x[3]), sub(x[2], x[1]));
        let [e0, e1] = forward2([add(x[0], x[3]), add(x[2], x[1])]);
        [e0, difference(lower, c, upper, s), e1, sum(upper, c, lower, s)]
    }

    fn forward_sine4(x: [V; 4], [c, s]: Factor) -> [V; 4] {
        let (lower, upper) = (add(x[0], x[3]), add(x[2], x[1]));
        let [e3, e1] = forward2([sub(x[0], x[3]), sub(x[2], x[1])]);
        [sum(upper, c, lower, s), e1, difference(lower, c, upper, s), e3]
    }

    fn inverse4(x: [V; 4], [c, s]: Factor) -> [V; 4] {
        let [e0, e1] = inverse2([x[0], x[2]]);
        let (lower, upper) = (sum(x[1], c, x[3], s), difference(x[1], s, x[3], c));
        [add(e0, lower), add(e1, upper), sub(e1, upper), sub(e0, lower)]
    }

    fn inverse_sine4(x: [V; 4], [c, s]: Factor) -> [V; 4] {
        let [e3, e1] = inverse2([x[3], x[1]]);
        let (lower, upper) = (sum(x[2], c, x[0], s), difference(x[2], s, x[0], c));
        [add(e3, lower), neg(add(e1, upper)), sub(e1, upper), sub(lower, e3)]
    }

    fn forward8(x: [V; 8], t: &Twiddles) -> [V; 8] {
        let [[c0, s0], [c1, s1]] = *t.of_8();
        let sums = [add(x[0], x[7]), add(x[1], x[6]), add(x[2], x[5]), add(x[3], x[4])];
        let e = forward4(sums, t.of_4());
        let d = [sub(x[0], x[7]), sub(x[3], x[4]), sub(x[1], x[6]), sub(x[2], x[5])];
        let p = forward2([sum(d[0], c0, d[1], s0), sum(d[2], c1, d[3], s1)]);
        let q = forward_sine2([difference(d[3], c1, d[2], s1), difference(d[1], c0, d[0], s0)]);
        [e[0], p[0], e[1], sub(p[1], q[0]), e[2], add(p[1], q[0]), e[3], q[1]]
    }

    fn inverse8(x: [V; 8], t: &Twiddles) -> [V; 8] {
        let e = inverse4([x[0], x[2], x[4], x[6]], t.of_4());
        let p = inverse2([times(x[1], 2.0), add(x[3], x[5])]);
        let q = inverse_sine2([sub(x[3], x[5]), times(x[7], 2.0)]);
        let mut out = x;
        for (i, &[c, s]) in t.of_8().iter().enumerate() {
            let (lower, upper) = (sum(p[i], c, q[i], s), difference(p[i], s, q[i], c));
            out[i] = add(e[i], lower);
            out[7 - i] = sub(e[i], lower);
            out[3 - i] = add(e[3 - i], upper);
            out[4 + i] = sub(e[3 - i], upper);
        }
        out
    }

    fn forward16(x: [V; 16], t: &Twiddles) -> [V; 16] {
        let mut sums = [x[0]; 8];
        let (mut p, mut q) = ([x[0]; 4], [x[0]; 4]);
        for i in 0..8 {
            sums[i] = add(x[i], x[15 - i]);
        }
        for (i, &[c, s]) in t.of_16().iter().enumerate() {
            let (lower, upper) = (sub(x[i], x[15 - i]), sub(x[7 - i], x[8 + i]));
            p[i] = sum(lower, c, upper, s);
            q[3 - i] = difference(upper, c, lower, s);
        }
        let e = forward8(sums, t);
        let (p, q) = (forward4(p, t.of_4()), forward_sine4(q, t.of_4()));
        [
            e[0], p[0],
            e[1], sub(p[1], q[0]),
            e[2], add(p[1], q[0]),
            e[3], add(p[2], q[1]),
            e[4], sub(p[2], q[1]),
            e[5], sub(p[3], q[2]),
            e[6], add(p[3], q[2]),
            e[7], q[3],
        ]
    }

    fn inverse16(x: [V; 16], t: &Twiddles) -> [V; 16] {
        let even = [x[0], x[2], x[4], x[6], x[8], x[10], x[12], x[14]];
        let e = inverse8(even, t);
        let (two, two_more) = (times(x[1], 2.0), times(x[15], 2.0));
        let p = [two, add(x[3], x[5]), add(x[7], x[9]), add(x[11], x[13])];
        let q = [sub(x[3], x[5]), sub(x[7], x[9]), sub(x[11], x[13]), two_more];
        let (p, q) = (inverse4(p, t.of_4()), inverse_sine4(q, t.of_4()));
        let mut out = x;
        for (i, &[c, s]) in t.of_16().iter().enumerate() {
            let (lower, upper) = (sum(p[i], c, q[i], s), difference(p[i], s, q[i], c));
            out[i] = add(e[i], lower);
            out[15 - i] = sub(e[i], lower);
            out[7 - i] = add(e[7 - i], upper);
            out[8 + i] = sub(e[7 - i], upper);
        }
        out
    }
}
