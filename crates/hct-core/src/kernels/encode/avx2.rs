//! Eight lanes a vector.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_shuffle_epi8, _mm_storeu_si128, _mm256_add_epi32,
    _mm256_and_si256, _mm256_blend_epi32, _mm256_blendv_epi8, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cmpgt_epi32, _mm256_extracti128_si256, _mm256_movemask_ps,
    _mm256_mul_epu32, _mm256_mullo_epi32, _mm256_packus_epi32, _mm256_permute4x64_epi64,
    _mm256_set_epi64x, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_srli_epi32, _mm256_srli_epi64, _mm256_srlv_epi64, _mm256_xor_si256,
};

use super::coder::{Coder, LANES, SLACK};
use crate::kernels::avx2::{WIDE, load, store};

const VECTORS: usize = LANES / WIDE;

/// For every set of lanes that put a word away the bytes of theirs, at the end of 16.
static PUT: [[u8; 2 * WIDE]; 256] = put();

const fn put() -> [[u8; 2 * WIDE]; 256] {
    let mut of = [[0; 2 * WIDE]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut at) = (WIDE, 2 * WIDE);
        while lane > 0 {
            lane -= 1;
            if set >> lane & 1 == 1 {
                at -= 2;
                of[set][at] = 2 * lane as u8;
                of[set][at + 1] = 2 * lane as u8 + 1;
            }
        }
        set += 1;
    }
    of
}

/// Codes a symbol in each of eight lanes, those of even lanes as `even` says, those of odd ones as
/// `odd`. Returns the states and which of them were too full and lost their lower halves.
#[inline]
#[target_feature(enable = "avx2")]
fn advance(x: __m256i, even: __m256i, odd: __m256i) -> (__m256i, __m256i) {
    let low_bits = _mm256_set1_epi32(0xfff);
    let numbers = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
    let below = _mm256_and_si256(_mm256_srli_epi32::<12>(numbers), low_bits);
    let full = _mm256_cmpgt_epi32(_mm256_srli_epi32::<20>(x), below);
    let x = _mm256_blendv_epi8(x, _mm256_srli_epi32::<16>(x), full);
    let more = _mm256_and_si256(_mm256_srli_epi32::<24>(numbers), _mm256_set1_epi32(1));
    let dividend = _mm256_add_epi32(x, more);
    let q_even = _mm256_srlv_epi64(
        _mm256_mul_epu32(dividend, even),
        _mm256_srli_epi64::<57>(even),
    );
    let q_odd = _mm256_srlv_epi64(
        _mm256_mul_epu32(_mm256_srli_epi64::<32>(dividend), odd),
        _mm256_srli_epi64::<57>(odd),
    );
    let q = _mm256_blend_epi32::<0b1010_1010>(q_even, _mm256_slli_epi64::<32>(q_odd));
    // 2¹² − f.
    let rest = _mm256_xor_si256(below, low_bits);
    let start = _mm256_and_si256(numbers, low_bits);
    let x = _mm256_add_epi32(_mm256_add_epi32(x, start), _mm256_mullo_epi32(q, rest));
    (x, full)
}

/// See [`super::steps`].
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn steps<S: Copy>(
    states: &mut [u32; LANES],
    words: &mut [u16],
    at: usize,
    symbols: &[S],
    coder: impl Fn(usize, S) -> Coder,
) -> usize {
    // Once for all, so that the steps need not look.
    assert!(at <= words.len() && at >= symbols.len() + SLACK);
    let (states, _) = states.as_chunks_mut::<WIDE>();
    let mut x = [_mm256_setzero_si256(); VECTORS];
    for v in 0..VECTORS {
        x[v] = load(&states[v]);
    }
    let mut at = at;
    let lower = _mm256_set1_epi32(0xffff);
    let (steps, _) = symbols.as_chunks::<LANES>();
    for (step, symbols) in steps.iter().enumerate().rev() {
        for pair in (0..VECTORS / 2).rev() {
            let before = [x[2 * pair], x[2 * pair + 1]];
            let mut sets = [0; 2];
            for half in 0..2 {
                let v = 2 * pair + half;
                let of = |lane: usize| {
                    let lane = v * WIDE + lane;
                    coder(step * LANES + lane, symbols[lane]).0 as i64
                };
                let even = _mm256_set_epi64x(of(6), of(4), of(2), of(0));
                let odd = _mm256_set_epi64x(of(7), of(5), of(3), of(1));
                let full;
                (x[v], full) = advance(before[half], even, odd);
                sets[half] = _mm256_movemask_ps(_mm256_castsi256_ps(full)) as usize & 0xff;
            }
            // The lower halves of 16 states, four of each vector in turns, then in order.
            let halves = _mm256_packus_epi32(
                _mm256_and_si256(before[0], lower),
                _mm256_and_si256(before[1], lower),
            );
            let halves = _mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
            let of_vectors = [
                _mm256_castsi256_si128(halves),
                _mm256_extracti128_si256::<1>(halves),
            ];
            for half in [1, 0] {
                let set = sets[half];
                // SAFETY: the array holds the 16 bytes that are read.
                let order = unsafe { _mm_loadu_si128(PUT[set].as_ptr().cast()) };
                let kept = _mm_shuffle_epi8(of_vectors[half], order);
                // SAFETY: `at` is at most the length of `words`, and at least SLACK, which is as
                // many words as are written: it began with SLACK and a word for each symbol, and
                // falls by no more than the eight symbols of this vector.
                unsafe { _mm_storeu_si128(words.as_mut_ptr().add(at - SLACK).cast(), kept) };
                at -= set.count_ones() as usize;
            }
        }
    }
    for v in 0..VECTORS {
        store(x[v], &mut states[v]);
    }
    at
}
