//! Numbers without their fractions.

/// Nothing larger comes out: twice it is an i32, too.
const LIMIT: f32 = (1 << 29) as f32;

/// `x` without its fraction, within ±2²⁹: what is beyond gives the nearer end, NaN 0. A saturating cast is
/// not compiled to vectors.
#[inline(always)]
pub(crate) fn truncated(x: f32) -> i32 {
    let bounded = if x.is_nan() { 0.0 } else { x };
    let bounded = bounded.clamp(-LIMIT, LIMIT);
    // SAFETY: it is no NaN, and within what an i32 holds.
    unsafe { bounded.to_int_unchecked() }
}

/// The same of an f64.
#[inline(always)]
pub(crate) fn truncated_f64(x: f64) -> i32 {
    let limit = f64::from(LIMIT);
    let bounded = if x.is_nan() { 0.0 } else { x };
    let bounded = bounded.clamp(-limit, limit);
    // SAFETY: as above.
    unsafe { bounded.to_int_unchecked() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_go_and_what_is_beyond_stays_within() {
        for x in [0.0, -0.0, 0.99, -0.99, 1.0, -1.5, 8_388_607.5, -3e7] {
            assert_eq!(truncated(x), x as i32);
            assert_eq!(truncated_f64(f64::from(x)), x as i32);
        }
        for x in [2e9, 1e30, f32::INFINITY] {
            assert_eq!((truncated(x), truncated(-x)), (1 << 29, -1 << 29));
            assert_eq!(truncated_f64(f64::from(x)), 1 << 29);
        }
        assert_eq!(truncated(f32::NAN), 0);
        assert_eq!(truncated_f64(f64::NAN), 0);
    }
}
