//! Taking floats apart, 32 at a time.

use std::arch::x86_64::{
    __m256i, _mm_storel_epi64, _mm256_and_si256, _mm256_bsrli_epi128, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_or_si256, _mm256_packus_epi16, _mm256_packus_epi32, _mm256_permute4x64_epi64,
    _mm256_set_epi64x, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_slli_epi16, _mm256_sllv_epi64, _mm256_srli_epi16,
    _mm256_srli_epi32, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi16,
};

use crate::kernels::joint::parts::{FIVE, PartsMut};

/// Floats taken apart at a time.
const STEP: usize = 32;

/// Bytes of the fives of 16 floats, and what is written beyond their end.
const PACKED: usize = 2 * FIVE;
const BEYOND: usize = 8 - FIVE;

/// The fives of 16 upper halves, of the first eight in the lower 40 bits of the first 128, of the
/// others in those of the second.
#[inline]
#[target_feature(enable = "avx2")]
fn fives(upper: __m256i) -> __m256i {
    let mantissa = _mm256_and_si256(_mm256_slli_epi16::<1>(upper), _mm256_set1_epi16(0x1e));
    let five = _mm256_or_si256(mantissa, _mm256_srli_epi16::<15>(upper));
    // Two in 10 bits of 32, four in 20 of 64, eight in 40 of 128.
    let tens = _mm256_madd_epi16(five, _mm256_set1_epi32(32 << 16 | 1));
    let twenties = _mm256_or_si256(tens, _mm256_srli_epi64::<22>(tens));
    let twenties = _mm256_and_si256(twenties, _mm256_set1_epi64x(0xf_ffff));
    let placed = _mm256_sllv_epi64(twenties, _mm256_set_epi64x(20, 0, 20, 0));
    _mm256_or_si256(placed, _mm256_bsrli_epi128::<8>(placed))
}

/// How far 16 joint numbers are from `before`; 0 from 256 on.
#[inline]
#[target_feature(enable = "avx2")]
fn symbols(upper: __m256i, before: __m256i) -> __m256i {
    let joint = _mm256_and_si256(_mm256_srli_epi16::<4>(upper), _mm256_set1_epi16(0x7ff));
    let number = _mm256_sub_epi16(joint, before);
    let within = _mm256_cmpeq_epi16(_mm256_srli_epi16::<8>(number), _mm256_setzero_si256());
    _mm256_and_si256(number, within)
}

/// Puts the upper halves of as many floats as `uppers(i)` gives those of 16 from float i on of.
/// Returns how many.
#[inline]
#[target_feature(enable = "avx2")]
fn all(parts: &mut PartsMut<'_>, mut uppers: impl FnMut(usize) -> __m256i) -> usize {
    let before = _mm256_set1_epi16(parts.before as i16);
    let (steps, _) = parts.symbols.as_chunks_mut::<STEP>();
    let mut packed = &mut parts.fives[..];
    let mut done = 0;
    for out in steps {
        let Some(window) = packed.first_chunk_mut::<{ 2 * PACKED + BEYOND }>() else {
            break;
        };
        let upper = [uppers(done), uppers(done + 16)];
        // Eight of each in turns, then in order.
        let of_both = _mm256_packus_epi16(symbols(upper[0], before), symbols(upper[1], before));
        let of_both = _mm256_permute4x64_epi64::<0b11_01_10_00>(of_both);
        // SAFETY: the array holds the 32 bytes that are written.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), of_both) };
        for (half, upper) in upper.into_iter().enumerate() {
            let fives = fives(upper);
            let eights = [
                _mm256_castsi256_si128(fives),
                _mm256_extracti128_si256::<1>(fives),
            ];
            for (k, eight) in eights.into_iter().enumerate() {
                let room = &mut window[half * PACKED + k * FIVE..][..8];
                // SAFETY: the slice holds the 8 bytes that are written. The last 3 are those of
                // the next fives, which come later.
                unsafe { _mm_storel_epi64(room.as_mut_ptr().cast(), eight) };
            }
        }
        packed = &mut packed[2 * PACKED..];
        done += STEP;
    }
    done
}

/// Floats of 16 bits: how many were taken apart.
#[target_feature(enable = "avx2")]
pub(in crate::kernels::joint) fn brains(floats: &[u8], parts: &mut PartsMut<'_>) -> usize {
    all(parts, |i| {
        let floats = &floats[2 * i..][..32];
        // SAFETY: the slice holds the 32 bytes that are read.
        unsafe { _mm256_loadu_si256(floats.as_ptr().cast()) }
    })
}

/// Floats of 32 bits: how many were taken apart.
#[target_feature(enable = "avx2")]
pub(in crate::kernels::joint) fn singles(floats: &[u8], parts: &mut PartsMut<'_>) -> usize {
    let lower = std::mem::take(&mut parts.lower);
    let done = all(parts, |i| {
        let floats = &floats[4 * i..][..64];
        // SAFETY: the slice holds twice the 32 bytes that are read.
        let (a, b) = unsafe {
            (
                _mm256_loadu_si256(floats.as_ptr().cast()),
                _mm256_loadu_si256(floats.as_ptr().add(32).cast()),
            )
        };
        let low = _mm256_set1_epi32(0xffff);
        let halves = _mm256_packus_epi32(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
        let halves = _mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
        let lower = &mut lower[2 * i..][..32];
        // SAFETY: the slice holds the 32 bytes that are written.
        unsafe { _mm256_storeu_si256(lower.as_mut_ptr().cast(), halves) };
        let uppers = _mm256_packus_epi32(_mm256_srli_epi32::<16>(a), _mm256_srli_epi32::<16>(b));
        _mm256_permute4x64_epi64::<0b11_01_10_00>(uppers)
    });
    parts.lower = lower;
    done
}
