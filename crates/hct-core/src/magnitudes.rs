//! The largest magnitude of values: bits of magnitudes order as these do, infinities and NaNs on top.

use crate::Dtype;
use crate::kernels::f16;
use crate::simd::multiversion;

/// Bytes after which a check may end early.
const CHECKED: usize = 1 << 16;

/// The largest magnitude of `values`.
pub(crate) fn largest(values: &[f32]) -> f32 {
    f32::from_bits(largest_bits(values))
}

/// The same of little-endian `bytes` of a codable dtype.
pub(crate) fn largest_of_bytes(bytes: &[u8], dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => f32::from_bits(largest_of_words(bytes)),
        Dtype::BF16 => f32::from_bits(u32::from(largest_of_halves(bytes)) << 16),
        Dtype::F16 => f16::value(largest_of_halves(bytes)),
        other => unreachable!("{other} is not codable"),
    }
}

/// Whether every element of a codable dtype is finite.
pub(crate) fn all_finite(bytes: &[u8], dtype: Dtype) -> bool {
    let mut parts = bytes.chunks(CHECKED);
    parts.all(|part| largest_of_bytes(part, dtype).is_finite())
}

multiversion! {
    fn largest_bits(values: &[f32]) -> u32 = largest_bits_body;
}

#[inline(always)]
fn largest_bits_body(values: &[f32]) -> u32 {
    values.iter().fold(0, |m, v| v.abs().to_bits().max(m))
}

multiversion! {
    fn largest_of_words(bytes: &[u8]) -> u32 = largest_of_words_body;
}

#[inline(always)]
fn largest_of_words_body(bytes: &[u8]) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    let magnitudes = words.iter().map(|&b| u32::from_le_bytes(b) & 0x7fff_ffff);
    magnitudes.fold(0, u32::max)
}

multiversion! {
    fn largest_of_halves(bytes: &[u8]) -> u16 = largest_of_halves_body;
}

#[inline(always)]
fn largest_of_halves_body(bytes: &[u8]) -> u16 {
    let (halves, _) = bytes.as_chunks::<2>();
    let magnitudes = halves.iter().map(|&b| u16::from_le_bytes(b) & 0x7fff);
    magnitudes.fold(0, u16::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::floats::from_f32;
    use crate::simd::same_at_every_level;

    #[test]
    fn the_largest_is_found_wherever_it_is_and_what_is_not_finite_is_above_it() {
        for dtype in [Dtype::F32, Dtype::BF16, Dtype::F16] {
            for n in [1, 2, 15, 33, 70_000] {
                for at in [0, n / 2, n - 1] {
                    let of = |last: f32| {
                        let mut values: Vec<f32> = (0..n).map(|i| (i % 7) as f32 - 3.0).collect();
                        values[at] = last;
                        values
                    };
                    let values = of(-640.0);
                    let mut bytes = vec![0; n * dtype.bits() / 8];
                    from_f32(&values, dtype, &mut bytes);
                    assert_eq!(same_at_every_level(|| largest(&values)), 640.0);
                    assert_eq!(
                        same_at_every_level(|| largest_of_bytes(&bytes, dtype)),
                        640.0
                    );
                    assert!(all_finite(&bytes, dtype));
                    for odd in [f32::NEG_INFINITY, f32::NAN] {
                        assert!(!largest(&of(odd)).is_finite());
                        let width = dtype.bits() / 8;
                        let bits = match dtype {
                            Dtype::F16 => 0xfc00 | u32::from(odd.is_nan()),
                            Dtype::BF16 => odd.to_bits() >> 16,
                            _ => odd.to_bits(),
                        };
                        let mut bytes = bytes.clone();
                        bytes[at * width..(at + 1) * width]
                            .copy_from_slice(&bits.to_le_bytes()[..width]);
                        assert!(!all_finite(&bytes, dtype));
                    }
                }
            }
        }
    }
}
