//! Between stored float types and f32.
//!
//! `half` converts by instructions where it finds them, whatever the level; what it computes
//! without them is asked for by name at the portable level. Its `from_f64` must not be used: with
//! the x86 instructions it rounds twice, without them it drops bits, so the results differ.

#[cfg(feature = "encode")]
use half::bf16;
use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::Dtype;
use crate::simd::{SimdLevel, level, multiversion};

/// `v` rounded to nearest even, past the range to an infinity.
#[cfg(feature = "encode")]
pub(crate) fn to_half(v: f32) -> f16 {
    match level() {
        SimdLevel::Portable => f16::from_f32_const(v),
        _ => f16::from_f32(v),
    }
}

fn halves_to_f32(halves: &[f16], out: &mut [f32]) {
    if level() == SimdLevel::Portable {
        let pairs = out.iter_mut().zip(halves);
        pairs.for_each(|(v, h)| *v = h.to_f32_const());
    } else {
        halves.convert_to_f32_slice(out);
    }
}

fn halves_from_f32(values: &[f32], out: &mut [f16]) {
    if level() == SimdLevel::Portable {
        let pairs = out.iter_mut().zip(values);
        pairs.for_each(|(h, &v)| *h = f16::from_f32_const(v));
    } else {
        out.convert_from_f32_slice(values);
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
        Dtype::F16 => {
            let mut halves = [f16::ZERO; 256];
            for (values, bytes) in out.chunks_mut(256).zip(bytes.chunks(512)) {
                let halves = &mut halves[..values.len()];
                for (h, b) in halves.iter_mut().zip(bytes.chunks_exact(2)) {
                    *h = f16::from_le_bytes([b[0], b[1]]);
                }
                halves_to_f32(halves, values);
            }
        }
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
    /// Makes numbers past the range of F16, infinities after rounding, its largest number.
    fn limit_halves(halves: &[f16], out: &mut [u8]) = limit_halves_body;
}

#[inline(always)]
fn limit_halves_body(halves: &[f16], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for (h, b) in halves.iter().zip(out) {
        let bits = h.to_bits();
        let magnitude = (bits & 0x7fff).min(0x7bff);
        *b = (bits & 0x8000 | magnitude).to_le_bytes();
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
        Dtype::F16 => {
            let mut halves = [f16::ZERO; 256];
            for (values, bytes) in values.chunks(256).zip(out.chunks_mut(512)) {
                let halves = &mut halves[..values.len()];
                halves_from_f32(values, halves);
                limit_halves(halves, bytes);
            }
        }
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

#[cfg(feature = "encode")]
/// Whether every element of a codable dtype is finite.
pub(crate) fn all_finite(bytes: &[u8], dtype: Dtype) -> bool {
    match dtype {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .all(|b| bf16::from_le_bytes([b[0], b[1]]).is_finite()),
        Dtype::F16 => bytes
            .chunks_exact(2)
            .all(|b| f16::from_le_bytes([b[0], b[1]]).is_finite()),
        other => unreachable!("{other} is not codable"),
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
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
