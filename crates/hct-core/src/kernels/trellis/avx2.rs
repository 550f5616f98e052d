//! Eight lanes a vector.

use std::arch::x86_64::*;

use super::tables::{Lanes, Tables};
use crate::entropy::rans::{PROB_BITS, PROB_SCALE, Words};
use crate::kernels::avx2::{WIDE, lanes, load, renormalize, store, widen};

/// Decodes full steps as long as every lane has a word waiting. Returns how many values there are.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn steps<const L: usize, const Q: usize>(
    tables: &Tables,
    classes: &[u8],
    lanes: &mut Lanes<L>,
    words: &mut Words<'_>,
    out: &mut [f32],
) -> usize {
    match L / WIDE {
        1 => vectors::<1, L, Q>(tables, classes, lanes, words, out),
        4 => vectors::<4, L, Q>(tables, classes, lanes, words, out),
        _ => 0,
    }
}

/// The low and the high halves of the entries of eight lanes that have the slots `at`, counted
/// over all contexts; past their end the last one's.
#[inline]
#[target_feature(enable = "avx2")]
fn look_up(tables: &Tables, at: __m256i) -> (__m256i, __m256i) {
    let slots = tables.slots.as_flattened();
    let last = _mm256_set1_epi32((slots.len() - 1) as i32);
    let lanes = lanes(_mm256_min_epu32(at, last));
    let entry = |lane: usize| {
        // SAFETY: `lanes` are at most the number of the last slot, and every slot has its entry.
        let entry = unsafe {
            let slot = *slots.get_unchecked(lanes[lane]);
            *tables.entries.get_unchecked(usize::from(slot))
        };
        entry.0 as i64
    };
    let pair = |lane: usize| _mm_set_epi64x(entry(lane + 1), entry(lane));
    // In this order halves come apart by shuffles within 128 bits.
    let even = _mm256_castsi256_ps(_mm256_set_m128i(pair(4), pair(0)));
    let odd = _mm256_castsi256_ps(_mm256_set_m128i(pair(6), pair(2)));
    let low = _mm256_shuffle_ps::<0b10_00_10_00>(even, odd);
    let high = _mm256_shuffle_ps::<0b11_01_11_01>(even, odd);
    (_mm256_castps_si256(low), _mm256_castps_si256(high))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn vectors<const V: usize, const L: usize, const Q: usize>(
    tables: &Tables,
    classes: &[u8],
    lanes: &mut Lanes<L>,
    words: &mut Words<'_>,
    out: &mut [f32],
) -> usize {
    if tables.slots.is_empty() {
        return 0;
    }
    let (one, zero) = (_mm256_set1_epi32(1), _mm256_setzero_si256());
    let feedback = _mm256_set1_epi32(tables.machine.feedback as i32);
    let odd_input = _mm256_set1_epi32(tables.machine.odd as i32);
    let slot_mask = _mm256_set1_epi32(PROB_SCALE as i32 - 1);
    let freq_mask = _mm256_set1_epi32(0x1fff);
    let (coders, _) = lanes.coders.as_chunks_mut::<WIDE>();
    let (machines, _) = lanes.machines.as_chunks_mut::<WIDE>();
    let (mut x, mut s) = ([zero; V], [zero; V]);
    for v in 0..V {
        (x[v], s[v]) = (load(&coders[v]), load(&machines[v]));
    }
    let mut waiting = words.rest();
    let mut done = 0;
    let (class_steps, _) = classes.as_chunks::<L>();
    let (out_steps, _) = out.as_chunks_mut::<L>();
    for (class, value) in class_steps.iter().zip(out_steps) {
        if waiting.len() < 2 * L {
            break;
        }
        let (class, _) = class.as_chunks::<WIDE>();
        let (value, _) = value.as_chunks_mut::<WIDE>();
        for v in 0..V {
            let class = widen(&class[v]);
            let odd_state = _mm256_and_si256(s[v], one);
            let context = match Q {
                1 => class,
                _ => _mm256_or_si256(_mm256_slli_epi32::<1>(class), odd_state),
            };
            let slot = _mm256_and_si256(x[v], slot_mask);
            let of_context = _mm256_slli_epi32::<{ PROB_BITS as i32 }>(context);
            let (entry, point) = look_up(tables, _mm256_or_si256(of_context, slot));
            // SAFETY: the array holds the 32 bytes that are written.
            unsafe { _mm256_storeu_ps(value[v].as_mut_ptr(), _mm256_castsi256_ps(point)) };
            let quotient = _mm256_srli_epi32::<{ PROB_BITS as i32 }>(x[v]);
            let product = _mm256_mullo_epi32(_mm256_and_si256(entry, freq_mask), quotient);
            let start = _mm256_and_si256(_mm256_srli_epi32::<16>(entry), slot_mask);
            let advanced = _mm256_add_epi32(product, _mm256_sub_epi32(slot, start));
            if Q > 1 {
                let fed = _mm256_and_si256(_mm256_sub_epi32(zero, odd_state), feedback);
                let odd = _mm256_and_si256(_mm256_srai_epi32::<31>(entry), odd_input);
                let half = _mm256_srli_epi32::<1>(s[v]);
                s[v] = _mm256_xor_si256(half, _mm256_xor_si256(fed, odd));
            }
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
        store(x[v], &mut coders[v]);
        store(s[v], &mut machines[v]);
    }
    words.skip_to_last(waiting.len());
    done
}
