//! Sixteen numbers at a time.

use std::arch::x86_64::*;

use super::avx2::{self, LARGEST};

/// Numbers of a vector.
const LANES: usize = 16;

#[target_feature(enable = "avx512f,avx512dq,avx2,f16c")]
pub(super) fn to_f32(halves: &[[u8; 2]], out: &mut [f32]) {
    let (vectors, rest) = halves.as_chunks::<LANES>();
    let (out, rest_out) = out.split_at_mut(halves.len() - rest.len());
    for (halves, out) in vectors.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // SAFETY: the arrays hold the 32 bytes that are read and the 64 that are written.
        unsafe {
            let values = _mm512_cvtph_ps(_mm256_loadu_si256(halves.as_ptr().cast()));
            _mm512_storeu_ps(out.as_mut_ptr(), values);
        }
    }
    avx2::to_f32(rest, rest_out);
}

#[target_feature(enable = "avx512f,avx512dq,avx2,f16c")]
pub(super) fn from_f32(values: &[f32], out: &mut [[u8; 2]]) {
    let sign = _mm512_set1_ps(-0.0);
    let (vectors, rest) = values.as_chunks::<LANES>();
    let (out, rest_out) = out.split_at_mut(values.len() - rest.len());
    for (values, out) in vectors.iter().zip(out.as_chunks_mut::<LANES>().0) {
        // SAFETY: the array holds the 64 bytes that are read.
        let values = unsafe { _mm512_loadu_ps(values.as_ptr()) };
        let magnitudes = _mm512_andnot_ps(sign, values);
        let bounded = _mm512_min_ps(magnitudes, _mm512_set1_ps(LARGEST));
        let bounded = _mm512_or_ps(bounded, _mm512_and_ps(sign, values));
        let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT }>(bounded);
        // SAFETY: the array holds the 32 bytes that are written.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), halves) };
    }
    avx2::from_f32(rest, rest_out);
}
