//! Retention: keeping the coefficients of largest magnitude.

use crate::simd::multiversion;

/// Number of coefficients that a retention of `ratio` keeps out of `n`: ⌈ρ·n⌉, at least 1.
pub(crate) fn kept_count(ratio: f64, n: usize) -> usize {
    ((ratio * n as f64).ceil() as usize).clamp(n.min(1), n)
}

/// Marks the ⌈ρ·n⌉ values of largest magnitude, in O(n). Of equal magnitudes the earlier go first.
pub(crate) fn keep_largest(values: &[f32], ratio: f64) -> Vec<bool> {
    let n = values.len();
    let count = kept_count(ratio, n);
    if count == n {
        return vec![true; n];
    }
    let (threshold, at_least) = threshold(values, count);
    let mut mask = vec![false; n];
    mark(values, threshold, &mut mask);
    // Those that are marked in excess are as large as the threshold, and late.
    let mut spare = at_least - count;
    for (keep, v) in mask.iter_mut().zip(values).rev() {
        if spare == 0 {
            break;
        }
        if magnitude(v) == threshold {
            *keep = false;
            spare -= 1;
        }
    }
    mask
}

/// The bits of a magnitude, which order as magnitudes do.
#[inline(always)]
fn magnitude(v: &f32) -> u32 {
    v.abs().to_bits()
}

/// Bits of a magnitude that are looked at first: exponent and the first of the mantissa.
const COARSE: u32 = 15;

/// The magnitude of the `count`th largest value, and how many are at least as large.
fn threshold(values: &[f32], count: usize) -> (u32, usize) {
    let bucket = |v: &f32| (magnitude(v) >> (31 - COARSE)) as usize;
    let mut sizes = vec![0usize; 1 << COARSE];
    values.iter().for_each(|v| sizes[bucket(v)] += 1);
    let (mut chosen, mut larger) = ((1 << COARSE) - 1, 0);
    while larger + sizes[chosen] < count {
        larger += sizes[chosen];
        chosen -= 1;
    }
    let mut within = Vec::with_capacity(sizes[chosen]);
    // Few values are in it, so that most stretches are only looked at.
    for values in values.chunks(64) {
        if any_in(values, chosen as u32) {
            within.extend(values.iter().filter(|v| bucket(v) == chosen).map(magnitude));
        }
    }
    let place = within.len() - (count - larger);
    let (_, &mut threshold, _) = within.select_nth_unstable(place);
    let at_least = within.iter().filter(|&&bits| bits >= threshold).count();
    (threshold, larger + at_least)
}

multiversion! {
    /// Whether the first bits of the magnitude of any of some values are `bits`.
    fn any_in(values: &[f32], bits: u32) -> bool = any_in_body;
}

#[inline(always)]
fn any_in_body(values: &[f32], bits: u32) -> bool {
    let is_in = |v: &f32| magnitude(v) >> (31 - COARSE) == bits;
    values.iter().fold(false, |any, v| any | is_in(v))
}

multiversion! {
    /// Marks all values of at least some magnitude.
    fn mark(values: &[f32], threshold: u32, mask: &mut [bool]) = mark_body;
}

#[inline(always)]
fn mark_body(values: &[f32], threshold: u32, mask: &mut [bool]) {
    for (keep, v) in mask.iter_mut().zip(values) {
        *keep = magnitude(v) >= threshold;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::same_at_every_level;

    #[test]
    fn keeps_the_exact_count_with_ties_to_the_front() {
        let v = [1.0, -3.0, 2.0, -2.0, 2.0, 0.0];
        assert_eq!(
            keep_largest(&v, 0.5),
            [false, true, true, true, false, false]
        );
        assert_eq!(keep_largest(&v, 0.34).iter().filter(|&&k| k).count(), 3);
        assert_eq!(keep_largest(&v, 1.0), [true; 6]);
        assert_eq!(keep_largest(&[0.0; 4], 0.5), [true, true, false, false]);
        assert_eq!(keep_largest(&[5.0], 0.01), [true]);
        assert!(keep_largest(&[], 0.5).is_empty());
    }

    #[test]
    fn those_kept_are_those_that_sorting_keeps() {
        let noise = |i: usize| (i as u32).wrapping_mul(2_654_435_761) >> 7;
        // Few magnitudes, so that many are equal, and many, most of them alike in their first bits.
        for (distinct, scale) in [(1, 1.0f32), (7, 1e-40), (50, 1.0), (1 << 20, 3e38)] {
            let value = |i: usize| {
                let v = (noise(i) % distinct) as f32 / distinct as f32 * scale;
                if i.is_multiple_of(3) { -v } else { v }
            };
            let values: Vec<f32> = (0..3001).map(value).collect();
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by_key(|&i| std::cmp::Reverse(magnitude(&values[i])));
            for ratio in [0.001, 0.25, 0.5, 0.9, 0.98, 0.9999] {
                let mut expected = vec![false; values.len()];
                let kept = &order[..kept_count(ratio, values.len())];
                kept.iter().for_each(|&i| expected[i] = true);
                let got = same_at_every_level(|| keep_largest(&values, ratio));
                assert_eq!(got, expected, "{distinct} {ratio}");
            }
        }
    }
}
