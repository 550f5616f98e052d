//! e to a number, in a form that compilers turn into instructions for many numbers at once.

/// e^x, off by 2 units in the last place at the most. Below −87.3, where results would be denormal, it is
/// e^−87.3, and above 88 it is e^88. NaN stays NaN.
///
/// By the polynomial of Cephes (Moshier 1989) between −½ ln 2 and ½ ln 2.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³, at which numbers are one apart: a sum with it has the nearest integer in its lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first has few bits.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.3, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let rest = x - power * LN_2[0] - power * LN_2[1];
    let mut sum = 1.987_569_1e-4;
    for factor in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        5e-1,
    ] {
        sum = sum * rest + factor;
    }
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()));
    (sum * rest * rest + rest + 1.0) * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_more_digits() {
        let mut worst = 0.0_f64;
        for i in -870_000..=880_000 {
            let x = i as f32 * 1e-4;
            let expected = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / expected - 1.0).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1.3e-38 && exp(f32::INFINITY) > 1.6e38);
        assert!(exp(f32::NAN).is_nan());
    }
}
