//! By the instructions that are made for it, eight numbers at a time: they round as they are told, not as the CPU
//! is set.

use std::arch::x86_64::*;

use super::portable;

/// The largest number of F16.
pub(super) const LARGEST: f32 = 65_504.0;
/// Numbers of a vector.
const LANES: usize = 8;

#[target_feature(enable = "avx2,f16c")]
pub(super) fn to_f32(halves: &[[u8; 2]], out: &mut [f32]) {
    let (vectors, rest) = halves.as_chunks::<LANES>();
    let (out, rest_out) = out.split_at_mut(halves.len() - rest.len());
    for (halves, out) in vectors.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // SAFETY: the arrays hold the 16 bytes that are read and the 32 that are written.
        unsafe {
            let values = _mm256_cvtph_ps(_mm_loadu_si128(halves.as_ptr().cast()));
            _mm256_storeu_ps(out.as_mut_ptr(), values);
        }
    }
    portable::to_f32(rest, rest_out);
}

#[target_feature(enable = "avx2,f16c")]
pub(super) fn from_f32(values: &[f32], out: &mut [[u8; 2]]) {
    let sign = _mm256_set1_ps(-0.0);
    let (vectors, rest) = values.as_chunks::<LANES>();
    let (out, rest_out) = out.split_at_mut(values.len() - rest.len());
    for (values, out) in vectors.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // SAFETY: the array holds the 32 bytes that are read.
        let values = unsafe { _mm256_loadu_ps(values.as_ptr()) };
        let magnitudes = _mm256_andnot_ps(sign, values);
        let bounded = _mm256_min_ps(magnitudes, _mm256_set1_ps(LARGEST));
        let bounded = _mm256_or_ps(bounded, _mm256_and_ps(sign, values));
        let halves = _mm256_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT }>(bounded);
        // SAFETY: the array holds the 16 bytes that are written.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), halves) };
    }
    portable::from_f32(rest, rest_out);
}
