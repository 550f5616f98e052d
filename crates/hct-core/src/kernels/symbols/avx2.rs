//! Eight lanes a vector.

use std::arch::x86_64::*;

use super::slots::Entries;
use crate::entropy::rans::{PROB_BITS, PROB_SCALE, Words};
use crate::kernels::avx2::{WIDE, load, look_up, low_bytes, renormalize, store};

/// Decodes full steps as long as every lane has a word waiting. Returns how many symbols there are.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn steps<const L: usize>(
    slots: &Entries,
    lanes: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [u8],
) -> usize {
    match L / WIDE {
        1 => vectors::<1, L>(slots, lanes, words, out),
        4 => vectors::<4, L>(slots, lanes, words, out),
        _ => 0,
    }
}

/// The lowest bytes of the lanes of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn low_bytes_of_4([a, b, c, d]: [__m256i; 4], out: &mut [u8; 4 * WIDE]) {
    let mask = _mm256_set1_epi32(0xff);
    let low = |v| _mm256_and_si256(v, mask);
    let halves = _mm256_packus_epi16(
        _mm256_packus_epi32(low(a), low(b)),
        _mm256_packus_epi32(low(c), low(d)),
    );
    // Packing took four lanes of each in turns.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let bytes = _mm256_permutevar8x32_epi32(halves, order);
    // SAFETY: the array holds the 32 bytes that are written.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), bytes) }
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn vectors<const V: usize, const L: usize>(
    slots: &Entries,
    lanes: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [u8],
) -> usize {
    let slot_mask = _mm256_set1_epi32(PROB_SCALE as i32 - 1);
    let (lanes, _) = lanes.as_chunks_mut::<WIDE>();
    let mut x = [_mm256_setzero_si256(); V];
    for v in 0..V {
        x[v] = load(&lanes[v]);
    }
    let mut waiting = words.rest();
    let mut done = 0;
    let (steps, _) = out.as_chunks_mut::<L>();
    for step in steps {
        if waiting.len() < 2 * L {
            break;
        }
        let mut entries = [_mm256_setzero_si256(); V];
        for v in 0..V {
            // SAFETY: the mask leaves numbers below 4096, which is how many slots there are.
            entries[v] = unsafe { look_up(slots, _mm256_and_si256(x[v], slot_mask)) };
        }
        for v in 0..V {
            let entry = entries[v];
            let quotient = _mm256_srli_epi32::<{ PROB_BITS as i32 }>(x[v]);
            let product = _mm256_mullo_epi32(_mm256_srli_epi32::<20>(entry), quotient);
            let bias = _mm256_and_si256(_mm256_srli_epi32::<8>(entry), slot_mask);
            let advanced = _mm256_add_epi32(product, bias);
            // SAFETY: at least 2·L bytes were waiting, of which each vector so far took at most 16.
            let next = unsafe { &*waiting.as_ptr().cast::<[u8; 2 * WIDE]>() };
            let taken;
            (x[v], taken) = renormalize(advanced, next);
            // SAFETY: no more than were read.
            waiting = unsafe { waiting.get_unchecked(taken..) };
        }
        let (fours, rest) = entries.as_chunks::<4>();
        let (of_fours, of_rest) = step.split_at_mut(fours.len() * 4 * WIDE);
        let (of_fours, _) = of_fours.as_chunks_mut();
        for (&four, out) in fours.iter().zip(of_fours) {
            low_bytes_of_4(four, out);
        }
        let (of_rest, _) = of_rest.as_chunks_mut();
        for (&entry, out) in rest.iter().zip(of_rest) {
            *out = low_bytes(entry);
        }
        done += L;
    }
    for v in 0..V {
        store(x[v], &mut lanes[v]);
    }
    words.skip_to_last(waiting.len());
    done
}
