//! Retention: keeping the coefficients of largest magnitude.

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
    // The bits of a non-negative float order as the float does.
    let magnitude = |v: &f32| v.abs().to_bits();
    let mut bits: Vec<u32> = values.iter().map(magnitude).collect();
    let (_, &mut threshold, _) = bits.select_nth_unstable(n - count);
    let above = values.iter().filter(|v| magnitude(v) > threshold).count();
    let mut ties = count - above;
    values
        .iter()
        .map(|v| match magnitude(v).cmp(&threshold) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal if ties > 0 => {
                ties -= 1;
                true
            }
            _ => false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
