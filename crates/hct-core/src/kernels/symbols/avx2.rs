//! Eight lanes a vector.

use std::arch::x86_64::*;

use super::Slots;
use crate::entropy::rans::{PROB_BITS, PROB_SCALE, Words};
use crate::kernels::avx2::{WIDE, lanes, load, low_bytes, renormalize, store};

/// Decodes full steps as long as every lane has a word waiting. Returns how many symbols there are.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn steps<const L: usize>(
    slots: &Slots,
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

/// The entries of the slots `at`, which are below 4096.
#[inline]
#[target_feature(enable = "avx2")]
fn look_up(slots: &Slots, at: __m256i) -> __m256i {
    let lanes = lanes(at);
    let entry = |lane: usize| slots[lanes[lane] % slots.len()] as i32;
    _mm256_set_epi32(
        entry(7),
        entry(6),
        entry(5),
        entry(4),
        entry(3),
        entry(2),
        entry(1),
        entry(0),
    )
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn vectors<const V: usize, const L: usize>(
    slots: &Slots,
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
        let (step, _) = step.as_chunks_mut::<WIDE>();
        for v in 0..V {
            let entry = look_up(slots, _mm256_and_si256(x[v], slot_mask));
            step[v] = low_bytes(entry);
            let quotient = _mm256_srli_epi32::<{ PROB_BITS as i32 }>(x[v]);
            let below = _mm256_and_si256(_mm256_srli_epi32::<8>(entry), slot_mask);
            // The entry holds frequency − 1.
            let product = _mm256_add_epi32(_mm256_mullo_epi32(below, quotient), quotient);
            let advanced = _mm256_add_epi32(product, _mm256_srli_epi32::<20>(entry));
            // SAFETY: at least 2·L bytes were waiting, of which each vector so far took at most 16.
            let next = unsafe { &*waiting.as_ptr().cast::<[u8; 2 * WIDE]>() };
            let taken;
            (x[v], taken) = renormalize(advanced, next);
            // SAFETY: no more than were read.
            waiting = unsafe { waiting.get_unchecked(taken..) };
        }
        done += L;
    }
    for v in 0..V {
        store(x[v], &mut lanes[v]);
    }
    words.skip_to_last(waiting.len());
    done
}
