//! Vectors of sixteen lanes.

use std::arch::x86_64::*;

/// Lanes of a vector.
pub(in crate::kernels::viterbi) const WIDE: usize = 16;

/// Loads sixteen numbers.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(values: &[f32; WIDE]) -> __m512 {
    // SAFETY: the array holds the 64 bytes that are read.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Sixteen bytes as 32-bit numbers.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn widen(bytes: &[u8; WIDE]) -> __m512i {
    // SAFETY: the array holds the 16 bytes that are read.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}
