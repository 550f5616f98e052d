//! Row gains: factors that make the step of a row finer or coarser.

/// Gains are in units of 1/8 octave; beyond this many they would leave the range of f32.
pub(crate) const MAX_GAIN: i32 = 512;

/// 2^(j/8) for j below 8.
const EXP2_8: [f32; 8] = [
    1.0,
    1.090_507_7,
    1.189_207_1,
    1.296_839_6,
    std::f32::consts::SQRT_2,
    1.542_210_8,
    1.681_792_9,
    1.834_008_1,
];

/// The factor 2^(g/8) that a gain of `g` stands for.
pub(crate) fn factor(g: i32) -> f32 {
    libm::ldexpf(EXP2_8[g.rem_euclid(8) as usize], g.div_euclid(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_powers_of_two_eighths() {
        for g in -40..40 {
            let exact = libm::exp2(f64::from(g) / 8.0);
            assert_eq!(factor(g), exact as f32, "{g}");
        }
    }
}
pub(crate) const MAX_FINE_GAIN: i32 = 2048;
pub(crate) fn fine_factor(g: i32) -> f32 {
    libm::ldexpf(
        libm::exp2(f64::from(g.rem_euclid(32)) / 32.0) as f32,
        g.div_euclid(32),
    )
}
