//! Between F16 and f32.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "x86_64", hct_avx512))]
#[allow(
    clippy::incompatible_msrv,
    reason = "older compilers than its intrinsics leave it out"
)]
mod avx512;
mod portable;

use crate::simd::{SimdLevel, level};
#[cfg(feature = "encode")]
pub(crate) use portable::value;

/// The numbers that the little-endian `bytes` stand for, as many as both slices have.
pub(crate) fn to_f32(bytes: &[u8], out: &mut [f32]) {
    let (halves, _) = bytes.as_chunks::<2>();
    let n = halves.len().min(out.len());
    let (halves, out) = (&halves[..n], &mut out[..n]);
    match level() {
        SimdLevel::Portable => portable::to_f32(halves, out),
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(all(target_arch = "x86_64", hct_avx512))]
        SimdLevel::Avx512 => unsafe { avx512::to_f32(halves, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::to_f32(halves, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => portable::to_f32(halves, out),
    }
}

/// Rounds values to nearest even, those past the range of F16 to its largest number, as many as both slices
/// have room for.
pub(crate) fn from_f32(values: &[f32], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    let n = values.len().min(out.len());
    let (values, out) = (&values[..n], &mut out[..n]);
    match level() {
        SimdLevel::Portable => portable::from_f32(values, out),
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(all(target_arch = "x86_64", hct_avx512))]
        SimdLevel::Avx512 => unsafe { avx512::from_f32(values, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::from_f32(values, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => portable::from_f32(values, out),
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use half::f16;

    use super::*;
    use crate::simd::same_at_every_level;

    #[test]
    fn every_pattern_is_the_number_that_it_stands_for() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let found = same_at_every_level(|| {
            let mut values = vec![0.0; 1 << 16];
            to_f32(&bytes, &mut values);
            values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>()
        });
        for (bits, found) in (0..=u16::MAX).zip(found) {
            let expected = f16::from_bits(bits).to_f32_const().to_bits();
            assert_eq!(found, expected, "{bits:#06x}");
            assert_eq!(value(bits).to_bits(), expected, "{bits:#06x}");
        }
    }

    #[test]
    fn numbers_round_as_half_rounds_them() {
        // All signs and exponents with mantissas of all kinds: few bits, many, and the middles between two
        // numbers of F16 with what lies beside them.
        let mantissas = (0..1u32 << 23).step_by(997);
        let middles = (0..1u32 << 10).flat_map(|m| [0xfff, 0x1000, 0x1001].map(|d| m << 13 | d));
        let mantissas: Vec<u32> = mantissas.chain(middles).collect();
        for high in 0..512 {
            let of = mantissas.iter().map(|m| f32::from_bits(high << 23 | m));
            let values: Vec<f32> = of.collect();
            let bytes = same_at_every_level(|| {
                let mut bytes = vec![0; 2 * values.len()];
                from_f32(&values, &mut bytes);
                bytes
            });
            for (&v, b) in values.iter().zip(bytes.as_chunks::<2>().0) {
                let half = f16::from_f32_const(v).to_bits();
                let limited = half & 0x8000 | (half & 0x7fff).min(0x7bff);
                assert_eq!(u16::from_le_bytes(*b), limited, "{v:e}");
            }
        }
    }

    #[test]
    fn lengths_that_no_vector_divides_are_converted_to_their_ends() {
        for n in 0..70 {
            let values: Vec<f32> = (0..n).map(|i| i as f32 - 30.5).collect();
            let back = same_at_every_level(|| {
                let (mut bytes, mut back) = (vec![0xff; 2 * n], vec![f32::NAN; n]);
                from_f32(&values, &mut bytes);
                to_f32(&bytes, &mut back);
                back
            });
            assert_eq!(back, values);
        }
    }
}
