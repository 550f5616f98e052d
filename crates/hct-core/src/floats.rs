//! Between stored float types and f32.
//!
//! Slices are converted by arithmetic on bits, which compiles to vectors; single numbers by `half`, which
//! uses instructions where it finds them, whatever the level: what it computes without them is asked for
//! by name at the portable level. Its `from_f64` must not be used: with the x86 instructions it rounds
//! twice, without them it drops bits, so the results differ.

#[cfg(feature = "encode")]
use half::f16;

use crate::Dtype;
use crate::simd::multiversion;
#[cfg(feature = "encode")]
use crate::simd::{SimdLevel, level};

/// `v` rounded to nearest even, past the range to an infinity.
#[cfg(feature = "encode")]
pub(crate) fn to_half(v: f32) -> f16 {
    match level() {
        SimdLevel::Portable => f16::from_f32_const(v),
        _ => f16::from_f32(v),
    }
}

/// Converts little-endian `bytes` of a codable dtype; `out` has one value per element.
pub(crate) fn to_f32(bytes: &[u8], dtype: Dtype, out: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            for (v, b) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                *v = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
        }
        Dtype::BF16 => bf16_to_f32(bytes, out),
        Dtype::F16 => f16_to_f32(bytes, out),
        other => unreachable!("{other} is not codable"),
    }
}

multiversion! {
    /// Rounds finite values to nearest even in BF16, those past its range to its largest number.
    fn to_bf16(values: &[f32], out: &mut [u8]) = to_bf16_body;
}

#[inline(always)]
fn to_bf16_body(values: &[f32], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for (v, b) in values.iter().zip(out) {
        let bits = v.to_bits();
        let rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        // 0x7f7f is the largest finite magnitude.
        let magnitude = (rounded & 0x7fff).min(0x7f7f);
        *b = ((rounded & 0x8000 | magnitude) as u16).to_le_bytes();
    }
}

multiversion! {
    /// Rounds finite values to nearest even in F16, those past its range to its largest number.
    fn to_f16(values: &[f32], out: &mut [u8]) = to_f16_body;
}

/// Bits of the exponent of an f32 by which those of F16 are less.
const F16_BIAS: u32 = 112 << 23;
/// Bits of the smallest normal number of F16 as an f32.
const F16_NORMAL: u32 = 113 << 23;

#[inline(always)]
fn to_f16_body(values: &[f32], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for (v, b) in values.iter().zip(out) {
        let magnitude = v.abs();
        let bits = magnitude.to_bits();
        let normal = (bits + 0xfff + (bits >> 13 & 1)).wrapping_sub(F16_BIAS);
        // Between ½ and 1 an f32 counts in 2⁻²⁴, as F16 does below its normal numbers.
        let subnormal = (magnitude + 0.5).to_bits() - 0.5f32.to_bits();
        let rounded = match bits >= F16_NORMAL {
            true => normal >> 13,
            false => subnormal,
        };
        // 0x7bff is the largest finite magnitude.
        let sign = v.to_bits() >> 16 & 0x8000;
        *b = ((sign | rounded.min(0x7bff)) as u16).to_le_bytes();
    }
}

multiversion! {
    fn f16_to_f32(bytes: &[u8], out: &mut [f32]) = f16_to_f32_body;
}

#[inline(always)]
fn f16_to_f32_body(bytes: &[u8], out: &mut [f32]) {
    let (bytes, _) = bytes.as_chunks::<2>();
    for (v, &b) in out.iter_mut().zip(bytes) {
        *v = f16_value(u16::from_le_bytes(b));
    }
}

/// The number that bits of F16 stand for, without a branch.
#[inline(always)]
fn f16_value(bits: u16) -> f32 {
    let bits = u32::from(bits);
    let magnitude = bits & 0x7fff;
    let normal = (magnitude << 13) + F16_BIAS;
    let subnormal = (f32::from_bits(magnitude | 0.5f32.to_bits()) - 0.5).to_bits();
    // A NaN becomes a quiet one.
    let quiet = u32::from(magnitude > 0x7c00) << 22;
    let special = 0x7f80_0000 | magnitude << 13 | quiet;
    let finite = if magnitude < 0x400 { subnormal } else { normal };
    let value = if magnitude < 0x7c00 { finite } else { special };
    f32::from_bits((bits & 0x8000) << 16 | value)
}

/// The number that the little-endian bytes of an element of a codable dtype stand for.
#[cfg(feature = "encode")]
#[inline(always)]
pub(crate) fn value(bytes: &[u8], dtype: Dtype) -> f32 {
    match (dtype, bytes) {
        (Dtype::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (Dtype::BF16, &[a, b]) => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
        (Dtype::F16, &[a, b]) => f16_value(u16::from_le_bytes([a, b])),
        (other, _) => unreachable!("{other} is not codable, or has other bytes"),
    }
}

multiversion! {
    fn bf16_to_f32(bytes: &[u8], out: &mut [f32]) = bf16_to_f32_body;
}

#[inline(always)]
fn bf16_to_f32_body(bytes: &[u8], out: &mut [f32]) {
    let (bytes, _) = bytes.as_chunks::<2>();
    for (v, &b) in out.iter_mut().zip(bytes) {
        *v = f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
    }
}

/// Rounds finite values to nearest even in `dtype`. A value past the type's range becomes its
/// largest finite number: reproduction points may lie half a step above the largest weight, and
/// an infinity would poison the model.
pub(crate) fn from_f32(values: &[f32], dtype: Dtype, out: &mut [u8]) {
    match dtype {
        Dtype::F32 => {
            for (v, b) in values.iter().zip(out.chunks_exact_mut(4)) {
                b.copy_from_slice(&v.to_le_bytes());
            }
        }
        Dtype::BF16 => to_bf16(values, out),
        Dtype::F16 => to_f16(values, out),
        other => unreachable!("{other} is not codable"),
    }
}

/// Rounds finite values to what `dtype` can hold, as [`from_f32`] does.
pub(crate) fn round_to(values: &mut [f32], dtype: Dtype) {
    let mut bytes = [0; 512];
    if dtype != Dtype::F32 {
        for chunk in values.chunks_mut(256) {
            let bytes = &mut bytes[..2 * chunk.len()];
            from_f32(chunk, dtype, bytes);
            to_f32(bytes, dtype, chunk);
        }
    }
}

/// Bytes after which a check may end early.
#[cfg(feature = "encode")]
const CHECKED: usize = 1 << 16;

#[cfg(feature = "encode")]
multiversion! {
    /// The largest bits of the magnitude of an f32: infinities and NaNs are above all others.
    fn largest_of_words(bytes: &[u8]) -> u32 = largest_of_words_body;
}

#[cfg(feature = "encode")]
#[inline(always)]
fn largest_of_words_body(bytes: &[u8]) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    let magnitudes = words.iter().map(|&b| u32::from_le_bytes(b) & 0x7fff_ffff);
    magnitudes.fold(0, u32::max)
}

#[cfg(feature = "encode")]
multiversion! {
    /// The same of types of 16 bits.
    fn largest_of_halves(bytes: &[u8]) -> u16 = largest_of_halves_body;
}

#[cfg(feature = "encode")]
#[inline(always)]
fn largest_of_halves_body(bytes: &[u8]) -> u16 {
    let (halves, _) = bytes.as_chunks::<2>();
    let magnitudes = halves.iter().map(|&b| u16::from_le_bytes(b) & 0x7fff);
    magnitudes.fold(0, u16::max)
}

#[cfg(feature = "encode")]
/// Whether every element of a codable dtype is finite.
pub(crate) fn all_finite(bytes: &[u8], dtype: Dtype) -> bool {
    match dtype {
        Dtype::F32 => bytes
            .chunks(CHECKED)
            .all(|b| largest_of_words(b) < 0x7f80_0000),
        Dtype::BF16 => bytes.chunks(CHECKED).all(|b| largest_of_halves(b) < 0x7f80),
        Dtype::F16 => bytes.chunks(CHECKED).all(|b| largest_of_halves(b) < 0x7c00),
        other => unreachable!("{other} is not codable"),
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn every_16_bit_pattern_that_is_finite_survives() {
        for dtype in [Dtype::F16, Dtype::BF16] {
            let bytes: Vec<u8> = (0..=u16::MAX)
                .filter(|b| all_finite(&b.to_le_bytes(), dtype))
                .flat_map(u16::to_le_bytes)
                .collect();
            let mut values = vec![0.0; bytes.len() / 2];
            to_f32(&bytes, dtype, &mut values);
            let mut back = vec![0; bytes.len()];
            from_f32(&values, dtype, &mut back);
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn every_pattern_of_f16_is_the_number_that_it_stands_for() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let mut values = vec![0.0; 1 << 16];
        to_f32(&bytes, Dtype::F16, &mut values);
        for (bits, v) in (0..=u16::MAX).zip(values) {
            let expected = f16::from_bits(bits).to_f32_const().to_bits();
            assert_eq!(v.to_bits(), expected, "{bits:#06x}");
            let one = value(&bits.to_le_bytes(), Dtype::F16);
            assert_eq!(one.to_bits(), expected, "{bits:#06x}");
        }
    }

    #[test]
    fn numbers_round_to_f16_as_half_rounds_them() {
        // All signs and exponents of finite numbers with mantissas of all kinds: few bits, many, and the
        // middles between two numbers of F16 with what lies beside them.
        let mantissas = (0..1u32 << 23).step_by(997);
        let middles = (0..1u32 << 10).flat_map(|m| [0xfff, 0x1000, 0x1001].map(|d| m << 13 | d));
        let mantissas: Vec<u32> = mantissas.chain(middles).collect();
        for high in (0..512).filter(|high| high & 0xff != 0xff) {
            let of = mantissas.iter().map(|m| f32::from_bits(high << 23 | m));
            let values: Vec<f32> = of.collect();
            let mut bytes = vec![0; 2 * values.len()];
            from_f32(&values, Dtype::F16, &mut bytes);
            for (&v, b) in values.iter().zip(bytes.as_chunks::<2>().0) {
                let half = f16::from_f32_const(v).to_bits();
                let limited = half & 0x8000 | (half & 0x7fff).min(0x7bff);
                assert_eq!(u16::from_le_bytes(*b), limited, "{v:e}");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even_and_never_to_infinity() {
        for v in [
            1.0f32,
            1.003_906_3,
            1.005_859_4,
            -3.141_7,
            1e-40,
            65504.0,
            0.333,
        ] {
            let mut b = [0; 2];
            from_f32(&[v], Dtype::BF16, &mut b);
            assert_eq!(u16::from_le_bytes(b), bf16::from_f32(v).to_bits());
            from_f32(&[v], Dtype::F16, &mut b);
            assert_eq!(u16::from_le_bytes(b), f16::from_f32(v).to_bits());
        }
        let mut b = [0; 4];
        from_f32(&[f32::MAX, -1e6], Dtype::F16, &mut b);
        assert_eq!(b, [0xff, 0x7b, 0xff, 0xfb]);
        from_f32(&[f32::MAX, f32::MIN], Dtype::BF16, &mut b);
        assert_eq!(b, [0x7f, 0x7f, 0x7f, 0xff]);
    }
}
