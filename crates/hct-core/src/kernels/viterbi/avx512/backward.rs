//! Back along the best paths: indices and contexts.

use std::arch::x86_64::*;

use super::points::{nearest, scaled};
use super::vector::{WIDE, load, widen};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::search::{OFFSETS, Search};

/// Decisions of a vector.
const WORDS: usize = 32;

/// Follows the best paths back from `states`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn backward<const S: usize>(
    group: &Group<'_, WIDE>,
    search: &Search<'_>,
    states: &[u32; WIDE],
    decisions: &[[u16; S]],
    zeros: &[u16],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let (one, zero) = (_mm512_set1_epi32(1), _mm512_setzero_si512());
    let feedback = _mm512_set1_epi32(search.machine.feedback as i32);
    let odd_input = _mm512_set1_epi32(search.machine.odd as i32);
    // Of the two states before, that of odd indices is the lower one where the other has this
    // bit, the highest in which they differ.
    let differ = _mm_cvtsi32_si128((2 * search.machine.odd).ilog2() as i32);
    let top = _mm_cvtsi32_si128(S.ilog2() as i32 - 1);
    // Once for every four lanes.
    let offsets =
        _mm512_broadcast_f32x4(_mm_setr_ps(OFFSETS[0], OFFSETS[1], OFFSETS[2], OFFSETS[3]));
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    // SAFETY: the array holds the 64 bytes that are read.
    let mut s = unsafe { _mm512_loadu_si512(states.as_ptr().cast()) };
    for t in (0..group.steps()).rev() {
        let step = group.step(t);
        let decided = _mm512_srlv_epi32(of_states(&decisions[t], s), lanes);
        let way = _mm512_and_si512(decided, one);
        // The top bit of a state is the bottom bit, the quantizer, of both before it.
        let q = _mm512_srl_epi32(s, top);
        let minus = |bit: __m512i| _mm512_sub_epi32(zero, bit);
        let half = _mm512_xor_si512(s, _mm512_and_si512(minus(q), feedback));
        let even = _mm512_or_si512(_mm512_slli_epi32::<1>(half), q);
        let swapped = _mm512_and_si512(_mm512_srl_epi32(even, differ), one);
        let odd = _mm512_xor_si512(way, swapped);
        let other = _mm512_and_si512(minus(odd), odd_input);
        let before = _mm512_xor_si512(even, _mm512_slli_epi32::<1>(other));
        let subset = _mm512_or_si512(_mm512_slli_epi32::<1>(q), odd);
        let values = load(&step.values);
        let a = scaled(values, search.inv_step);
        let j = _mm512_cvttps_epi32(nearest(a, _mm512_permutevar_ps(offsets, subset)));
        let m = _mm512_or_si512(_mm512_slli_epi32::<1>(j), odd);
        // The even points of Q1: 0, or at least 3.
        let evens = _mm512_cmpeq_epi32_mask(subset, _mm512_set1_epi32(2));
        let three = _mm512_slli_epi32::<1>(_mm512_max_epi32(j, one));
        let m = _mm512_mask_mov_epi32(m, evens, three);
        let m = _mm512_mask_mov_epi32(m, evens & zeros[t], zero);
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(values, _mm512_setzero_ps());
        let index = _mm512_mask_sub_epi32(m, below, zero, m);
        let class = widen(&step.classes);
        let context = _mm512_or_si512(_mm512_slli_epi32::<1>(class), q);
        let context = _mm512_cvtepi32_epi8(context);
        let active = match step.active {
            WIDE => u16::MAX,
            active => (1 << active) - 1,
        };
        let from = group.first + t * group.stride;
        let (to, of) = (&mut indices[from..], &mut contexts[from..]);
        assert!(to.len() >= step.active && of.len() >= step.active);
        // SAFETY: only active lanes are written, for which there is room.
        unsafe {
            _mm512_mask_storeu_epi32(to.as_mut_ptr(), active, index);
            _mm_mask_storeu_epi8(of.as_mut_ptr().cast(), active, context);
        }
        s = _mm512_mask_mov_epi32(s, active, before);
    }
}

/// The decisions of the states that lanes are in, in the lower halves of lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn of_states<const S: usize>(decisions: &[u16; S], states: __m512i) -> __m512i {
    let vector = |first: usize| {
        let rest = &decisions[first..];
        let held = u32::MAX >> (WORDS - rest.len().min(WORDS));
        // SAFETY: no more is read than the rest of the slice.
        unsafe { _mm512_maskz_loadu_epi16(held, rest.as_ptr().cast()) }
    };
    if S <= WORDS {
        return _mm512_permutexvar_epi16(states, vector(0));
    }
    let mut all = _mm512_setzero_si512();
    for first in (0..S).step_by(2 * WORDS) {
        let two = _mm512_permutex2var_epi16(vector(first), states, vector(first + WORDS));
        let of = _mm512_srli_epi32::<{ (2 * WORDS).ilog2() }>(states);
        let number = _mm512_set1_epi32((first / (2 * WORDS)) as i32);
        all = _mm512_mask_mov_epi32(all, _mm512_cmpeq_epi32_mask(of, number), two);
    }
    all
}
