//! From the start of lanes to their ends: which way into each state is the cheaper.

use std::arch::x86_64::*;
use std::mem::swap;

use super::points::{BLOCK, Block};
use super::vector::{WIDE, load};
use crate::kernels::viterbi::butterflies::{Butterflies, unrolled};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::search::{RENORMALIZED, Search};

/// Fills in in which lanes the second way into each state is the cheaper, and where the even points
/// of Q1 are best at zero. Returns the best states at the ends of lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn forward<const S: usize, const ONE_CLASS: bool>(
    group: &Group<'_, WIDE>,
    search: &Search<'_>,
    starts: &[u16; WIDE],
    decisions: &mut [[u16; S]],
    zeros: &mut [u16],
) -> [u32; WIDE] {
    let mut first = [[f32::INFINITY; WIDE]; S];
    for (lane, &start) in starts.iter().enumerate() {
        first[usize::from(start)][lane] = 0.0;
    }
    let mut cost = [_mm512_setzero_ps(); S];
    for s in 0..S {
        cost[s] = load(&first[s]);
    }
    let mut early = cost;
    let mut other = cost;
    // From step to step these change places.
    let (mut cost, mut next) = (&mut cost, &mut other);
    let mut active = WIDE;
    let mut block = Block::new();
    let steps = group.steps();
    for start in (0..steps).step_by(BLOCK) {
        let end = steps.min(start + BLOCK);
        block.fill::<ONE_CLASS>(group, start..end, search);
        let rows = decisions[start..].iter_mut().zip(&mut zeros[start..]);
        for (t, (decision, zero)) in (start..end).zip(rows) {
            if t + 1 == steps {
                active = WIDE.min(group.values.len() - group.first - t * group.stride);
                early = *cost;
            }
            let branch;
            (branch, *zero) = block.branch_costs(t - start);
            unrolled!(compare::<S, 0>, &branch, cost, next, decision);
            if S > 64 {
                unrolled!(compare::<S, 32>, &branch, cost, next, decision);
            }
            if S > 128 {
                unrolled!(compare::<S, 64>, &branch, cost, next, decision);
                unrolled!(compare::<S, 96>, &branch, cost, next, decision);
            }
            // Keep the costs small so that f32 stays exact enough over a long lane.
            if t % RENORMALIZED == RENORMALIZED - 1 {
                let low = next[1..]
                    .iter()
                    .fold(next[0], |low, &c| _mm512_min_ps(low, c));
                for c in next.iter_mut() {
                    *c = _mm512_sub_ps(*c, low);
                }
            }
            swap(&mut cost, &mut next);
        }
    }
    let (ends, early) = (best(cost), best(&early));
    std::array::from_fn(|lane| {
        if lane < active {
            ends[lane]
        } else {
            early[lane]
        }
    })
}

/// Compares the ways into the states after butterfly `FIRST` + `i`.
#[inline]
#[target_feature(enable = "avx512f")]
fn compare<const S: usize, const FIRST: usize>(
    i: usize,
    branch: &[__m512; 4],
    cost: &[__m512; S],
    next: &mut [__m512; S],
    decision: &mut [u16; S],
) {
    if let Some(butterfly) = Butterflies::<S>::get(FIRST + i) {
        let subset = 2 * butterfly.quantizer;
        let (even, odd) = (branch[subset], branch[subset + 1]);
        let [low, high] = butterfly.before.map(|s| cost[s]);
        let ways = [
            [_mm512_add_ps(low, even), _mm512_add_ps(high, odd)],
            [_mm512_add_ps(low, odd), _mm512_add_ps(high, even)],
        ];
        for (s, [c0, c1]) in butterfly.after.into_iter().zip(ways) {
            decision[s] = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(c1, c0);
            next[s] = _mm512_min_ps(c1, c0);
        }
    }
}

/// The first of the best states of every lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn best<const S: usize>(cost: &[__m512; S]) -> [u32; WIDE] {
    let mut states = _mm512_setzero_si512();
    let mut least = _mm512_set1_ps(f32::INFINITY);
    for (s, &cost) in cost.iter().enumerate() {
        let less = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(cost, least);
        least = _mm512_mask_mov_ps(least, less, cost);
        states = _mm512_mask_mov_epi32(states, less, _mm512_set1_epi32(s as i32));
    }
    let mut of_lanes = [0; WIDE];
    // SAFETY: the array holds the 64 bytes that are written.
    unsafe { _mm512_storeu_si512(of_lanes.as_mut_ptr().cast(), states) };
    of_lanes
}
