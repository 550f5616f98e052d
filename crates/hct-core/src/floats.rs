//! Between stored float types and f32.
//!
//! Slices are converted by arithmetic on bits, which compiles to vectors, or by a kernel; single numbers by `half`, which
//! uses instructions where it finds them, whatever the level: what it computes without them is asked for
//! by name at the portable level. Its `from_f64` must not be used: with the x86 instructions it rounds
//! twice, without them it drops bits, so the results differ.

#[cfg(feature = "encode")]
use half::f16 as Half;

use crate::Dtype;
use crate::kernels::f16;
use crate::simd::multiversion;
#[cfg(feature = "encode")]
use crate::simd::{SimdLevel, level};

/// `v` rounded to nearest even, past the range to an infinity.
#[cfg(feature = "encode")]
pub(crate) fn to_half(v: f32) -> Half {
    match level() {
        SimdLevel::Portable => Half::from_f32_const(v),
        _ => Half::from_f32(v),
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
        Dtype::F16 => f16::to_f32(bytes, out),
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

/// The number that the little-endian bytes of an element of a codable dtype stand for.
#[cfg(feature = "encode")]
#[inline(always)]
pub(crate) fn value(bytes: &[u8], dtype: Dtype) -> f32 {
    match (dtype, bytes) {
        (Dtype::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        (Dtype::BF16, &[a, b]) => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
        (Dtype::F16, &[a, b]) => f16::value(u16::from_le_bytes([a, b])),
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
        Dtype::F16 => f16::from_f32(values, out),
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

#[cfg(all(test, feature = "encode"))]
mod tests {
    use half::bf16;

    use super::*;
    use crate::magnitudes::all_finite;

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
            assert_eq!(u16::from_le_bytes(b), Half::from_f32(v).to_bits());
        }
        let mut b = [0; 4];
        from_f32(&[f32::MAX, -1e6], Dtype::F16, &mut b);
        assert_eq!(b, [0xff, 0x7b, 0xff, 0xfb]);
        from_f32(&[f32::MAX, f32::MIN], Dtype::BF16, &mut b);
        assert_eq!(b, [0x7f, 0x7f, 0x7f, 0xff]);
    }
}
