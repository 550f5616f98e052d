//! Thirty-two floats at a time.

#[cfg(feature = "encode")]
pub(super) mod apart;

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi16, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cvtepu8_epi16,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_min_epu8, _mm256_mullo_epi16,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set_epi16, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use super::parts::{FIVE, Parts};

/// Floats put together at a time.
const STEP: usize = 32;
/// Their fives, and what is read beyond them.
const PACKED: usize = STEP / 8 * FIVE;
const READ: usize = PACKED / 2 + 16;

/// Four bits of the mantissa and the sign of 16 floats where they belong, from the 10 bytes at the
/// start of `packed`.
#[inline]
#[target_feature(enable = "avx2")]
fn fives(packed: __m128i) -> __m256i {
    // The two bytes that hold each five: bits 5k to 5k + 4.
    let bytes = _mm256_setr_epi8(
        0, 1, 0, 1, 1, 2, 1, 2, 2, 3, 3, 4, 3, 4, 4, 5, //
        5, 6, 5, 6, 6, 7, 6, 7, 7, 8, 8, 9, 8, 9, 9, 10,
    );
    // Brings it to the top: its place within them is 0, 5, 2, 7, 4, 1, 6, 3.
    let (a, b, c, d) = (1 << 11, 1 << 6, 1 << 9, 1 << 4);
    let (e, f, g, h) = (1 << 7, 1 << 10, 1 << 5, 1 << 8);
    let up = _mm256_set_epi16(h, g, f, e, d, c, b, a, h, g, f, e, d, c, b, a);
    let packed = _mm256_broadcastsi128_si256(packed);
    let at_top = _mm256_mullo_epi16(_mm256_shuffle_epi8(packed, bytes), up);
    let sign = _mm256_and_si256(_mm256_slli_epi16::<4>(at_top), _mm256_set1_epi16(i16::MIN));
    _mm256_or_si256(sign, _mm256_srli_epi16::<12>(at_top))
}

/// Calls `put` with the upper halves of each 16 floats and their number, as long as there are
/// enough. Returns how many floats that were, and the lowest symbol.
#[inline]
#[target_feature(enable = "avx2")]
fn uppers(parts: &Parts<'_>, mut put: impl FnMut(usize, __m256i)) -> (usize, u8) {
    let before = _mm256_set1_epi16(parts.before as i16);
    let joint_bits = _mm256_set1_epi16(0x7ff0);
    let mut lowest = _mm256_set1_epi8(-1);
    let (steps, _) = parts.symbols.as_chunks::<STEP>();
    let mut packed = parts.fives;
    let mut done = 0;
    for symbols in steps {
        let Some(window) = packed.first_chunk::<READ>() else {
            break;
        };
        // SAFETY: the array holds the 32 bytes that are read.
        let symbols = unsafe { _mm256_loadu_si256(symbols.as_ptr().cast()) };
        // SAFETY: the window holds 16 bytes from its start, and 16 from half of the fives on.
        let of_fives = unsafe {
            [
                _mm_loadu_si128(window.as_ptr().cast()),
                _mm_loadu_si128(window.as_ptr().add(PACKED / 2).cast()),
            ]
        };
        lowest = _mm256_min_epu8(lowest, symbols);
        let halves = [
            _mm256_castsi256_si128(symbols),
            _mm256_extracti128_si256::<1>(symbols),
        ];
        for (h, (half, packed)) in halves.into_iter().zip(of_fives).enumerate() {
            let joint = _mm256_add_epi16(_mm256_cvtepu8_epi16(half), before);
            let joint = _mm256_and_si256(_mm256_slli_epi16::<4>(joint), joint_bits);
            put(done + 16 * h, _mm256_or_si256(joint, fives(packed)));
        }
        packed = &packed[PACKED..];
        done += STEP;
    }
    let mut of_lanes = [0u8; 32];
    // SAFETY: the array holds the 32 bytes that are written.
    unsafe { _mm256_storeu_si256(of_lanes.as_mut_ptr().cast(), lowest) };
    (done, of_lanes.into_iter().fold(u8::MAX, u8::min))
}

/// Floats of 16 bits: how many, and the lowest symbol.
#[target_feature(enable = "avx2")]
pub(super) fn brains(parts: &Parts<'_>, out: &mut [u8]) -> (usize, u8) {
    let out = &mut out[..2 * parts.symbols.len()];
    uppers(parts, |i, upper| {
        let out = &mut out[2 * i..][..32];
        // SAFETY: the slice holds the 32 bytes that are written.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), upper) };
    })
}

/// Floats of 32 bits: how many, and the lowest symbol.
#[target_feature(enable = "avx2")]
pub(super) fn singles(parts: &Parts<'_>, out: &mut [u8]) -> (usize, u8) {
    let out = &mut out[..4 * parts.symbols.len()];
    let lower = &parts.lower[..2 * parts.symbols.len()];
    uppers(parts, |i, upper| {
        let (lower, out) = (&lower[2 * i..][..32], &mut out[4 * i..][..64]);
        // SAFETY: the slice holds the 32 bytes that are read.
        let lower = unsafe { _mm256_loadu_si256(lower.as_ptr().cast()) };
        // Floats 0–3 and 8–11; 4–7 and 12–15.
        let even = _mm256_unpacklo_epi16(lower, upper);
        let odd = _mm256_unpackhi_epi16(lower, upper);
        let first = _mm256_permute2x128_si256::<0x20>(even, odd);
        let last = _mm256_permute2x128_si256::<0x31>(even, odd);
        // SAFETY: the slice holds twice the 32 bytes that are written.
        unsafe {
            _mm256_storeu_si256(out.as_mut_ptr().cast(), first);
            _mm256_storeu_si256(out.as_mut_ptr().add(32).cast(), last);
        }
    })
}
