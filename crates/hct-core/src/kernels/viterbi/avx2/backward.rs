//! Back along the best paths: indices and contexts.

use std::arch::x86_64::*;

use super::points::{load as load_values, nearest, scaled};
use crate::kernels::avx2::{WIDE, load, low_bytes, store, widen};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::search::{OFFSETS, Search};

/// Follows the best paths back from `states`.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn backward<const S: usize>(
    group: &Group<'_, WIDE>,
    search: &Search<'_>,
    states: [u32; WIDE],
    decisions: &[[u32; WIDE]],
    zeros: &[u8],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let words = S.div_ceil(32);
    let (one, zero) = (_mm256_set1_epi32(1), _mm256_setzero_si256());
    let feedback = _mm256_set1_epi32(search.machine.feedback as i32);
    let odd_input = _mm256_set1_epi32(search.machine.odd as i32);
    // Of the two states before, that of odd indices is the lower one where the other has this
    // bit, the highest in which they differ.
    let differ = _mm_cvtsi32_si128((2 * search.machine.odd).ilog2() as i32);
    let top = _mm_cvtsi32_si128(S.ilog2() as i32 - 1);
    let offsets = _mm256_setr_ps(
        OFFSETS[0], OFFSETS[1], OFFSETS[2], OFFSETS[3], OFFSETS[0], OFFSETS[1], OFFSETS[2],
        OFFSETS[3],
    );
    let of_lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mut s = load(&states);
    for t in (0..group.steps()).rev() {
        let step = group.step(t);
        let decision = &decisions[words * t..words * (t + 1)];
        let mut bits = load(&decision[0]);
        for (w, decision) in decision.iter().enumerate().skip(1) {
            let here = _mm256_cmpeq_epi32(_mm256_srli_epi32::<5>(s), _mm256_set1_epi32(w as i32));
            bits = _mm256_blendv_epi8(bits, load(decision), here);
        }
        let within = _mm256_and_si256(s, _mm256_set1_epi32(31));
        let way = _mm256_and_si256(_mm256_srlv_epi32(bits, within), one);
        // The top bit of a state is the bottom bit, the quantizer, of both before it.
        let q = _mm256_srl_epi32(s, top);
        let minus = |bit: __m256i| _mm256_sub_epi32(zero, bit);
        let half = _mm256_xor_si256(s, _mm256_and_si256(minus(q), feedback));
        let even = _mm256_or_si256(_mm256_slli_epi32::<1>(half), q);
        let swapped = _mm256_and_si256(_mm256_srl_epi32(even, differ), one);
        let odd = _mm256_xor_si256(way, swapped);
        let other = _mm256_and_si256(minus(odd), odd_input);
        let before = _mm256_xor_si256(even, _mm256_slli_epi32::<1>(other));
        let subset = _mm256_or_si256(_mm256_slli_epi32::<1>(q), odd);
        let a = scaled(&step.values, search.inv_step);
        let j = _mm256_cvttps_epi32(nearest(a, _mm256_permutevar_ps(offsets, subset)));
        let m = _mm256_or_si256(_mm256_slli_epi32::<1>(j), odd);
        // The even points of Q1: 0, or at least 3.
        let evens = _mm256_cmpeq_epi32(subset, _mm256_set1_epi32(2));
        let at_zero = _mm256_set1_epi32(i32::from(zeros[t]));
        let at_zero = _mm256_cmpeq_epi32(_mm256_and_si256(at_zero, of_lane), of_lane);
        let three = _mm256_slli_epi32::<1>(_mm256_max_epi32(j, one));
        let m = _mm256_blendv_epi8(m, three, evens);
        let m = _mm256_blendv_epi8(m, zero, _mm256_and_si256(evens, at_zero));
        let below = _mm256_cmp_ps::<_CMP_LT_OQ>(load_values(&step.values), _mm256_setzero_ps());
        let below = _mm256_castps_si256(below);
        let index = _mm256_sub_epi32(_mm256_xor_si256(m, below), below);
        let class = widen(&step.classes);
        let context = low_bytes(_mm256_or_si256(_mm256_slli_epi32::<1>(class), q));
        let from = group.first + t * group.stride;
        if step.active == WIDE {
            s = before;
            if let (Some(to), Some(of)) = (
                indices[from..].first_chunk_mut::<WIDE>(),
                contexts[from..].first_chunk_mut::<WIDE>(),
            ) {
                // SAFETY: an i32 has the size and alignment of a u32.
                store(index, unsafe {
                    &mut *to.as_mut_ptr().cast::<[u32; WIDE]>()
                });
                *of = context;
            }
        } else {
            let mut stored = [0; WIDE];
            store(index, &mut stored);
            for lane in 0..step.active {
                indices[from + lane] = stored[lane] as i32;
                contexts[from + lane] = context[lane];
            }
            let active = _mm256_set1_epi32(step.active as i32);
            let ended = _mm256_cmpeq_epi32(_mm256_max_epi32(numbers, active), numbers);
            s = _mm256_blendv_epi8(before, s, ended);
        }
    }
}
