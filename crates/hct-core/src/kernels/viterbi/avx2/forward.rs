//! From the start of lanes to their ends: which way into each state is the cheaper.

use std::arch::x86_64::*;
use std::mem::swap;

use super::points::{BLOCK, Block, load as load_costs};
use crate::kernels::avx2::{WIDE, load, store};
use crate::kernels::viterbi::butterflies::{Butterflies, unrolled};
use crate::kernels::viterbi::group::Group;
use crate::kernels::viterbi::search::{RENORMALIZED, Search};

/// Each bit of a word, in all lanes: loading it costs less than making it.
static BITS: [[u32; WIDE]; 32] = {
    let mut bits = [[0; WIDE]; 32];
    let mut bit = 0;
    while bit < 32 {
        bits[bit] = [1 << bit; WIDE];
        bit += 1;
    }
    bits
};

/// Fills in which way into each state is the cheaper, a bit each, and where the even points of Q1
/// are best at zero. Returns the best states at the ends of lanes.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn forward<const S: usize, const ONE_CLASS: bool>(
    group: &Group<'_, WIDE>,
    search: &Search<'_>,
    starts: &[u16; WIDE],
    decisions: &mut [[u32; WIDE]],
    zeros: &mut [u8],
) -> [u32; WIDE] {
    let words = S.div_ceil(32);
    let mut first = [[f32::INFINITY; WIDE]; S];
    for (lane, &start) in starts.iter().enumerate() {
        first[usize::from(start)][lane] = 0.0;
    }
    let mut cost = [_mm256_setzero_ps(); S];
    for s in 0..S {
        cost[s] = load_costs(&first[s]);
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
        let rows = decisions[words * start..].chunks_exact_mut(words);
        let rows = rows.zip(&mut zeros[start..]);
        for (t, (decision, zero)) in (start..end).zip(rows) {
            if t + 1 == steps {
                active = WIDE.min(group.values.len() - group.first - t * group.stride);
                early = *cost;
            }
            let (branch, at_zero) = block.branch_costs(t - start);
            *zero = at_zero;
            let mut of_words = [_mm256_setzero_si256(); 16];
            unrolled!(compare::<S, 0>, &branch, cost, next, &mut of_words);
            if S > 64 {
                unrolled!(compare::<S, 32>, &branch, cost, next, &mut of_words);
            }
            if S > 128 {
                unrolled!(compare::<S, 64>, &branch, cost, next, &mut of_words);
                unrolled!(compare::<S, 96>, &branch, cost, next, &mut of_words);
            }
            if S > 256 {
                unrolled!(compare::<S, 128>, &branch, cost, next, &mut of_words);
                unrolled!(compare::<S, 160>, &branch, cost, next, &mut of_words);
                unrolled!(compare::<S, 192>, &branch, cost, next, &mut of_words);
                unrolled!(compare::<S, 224>, &branch, cost, next, &mut of_words);
            }
            for (decision, bits) in decision.iter_mut().zip(of_words) {
                store(bits, decision);
            }
            // Keep the costs small so that f32 stays exact enough over a long lane.
            if t % RENORMALIZED == RENORMALIZED - 1 {
                let low = next[1..]
                    .iter()
                    .fold(next[0], |low, &c| _mm256_min_ps(low, c));
                for c in next.iter_mut() {
                    *c = _mm256_sub_ps(*c, low);
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
#[target_feature(enable = "avx2")]
fn compare<const S: usize, const FIRST: usize>(
    i: usize,
    branch: &[__m256; 4],
    cost: &[__m256; S],
    next: &mut [__m256; S],
    of_words: &mut [__m256i; 16],
) {
    if let Some(butterfly) = Butterflies::<S>::get(FIRST + i) {
        let subset = 2 * butterfly.quantizer;
        let (even, odd) = (branch[subset], branch[subset + 1]);
        let [low, high] = butterfly.before.map(|s| cost[s]);
        let ways = [
            [_mm256_add_ps(low, even), _mm256_add_ps(high, odd)],
            [_mm256_add_ps(low, odd), _mm256_add_ps(high, even)],
        ];
        for (s, [c0, c1]) in butterfly.after.into_iter().zip(ways) {
            let second = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LT_OQ>(c1, c0));
            next[s] = _mm256_min_ps(c1, c0);
            let bit = _mm256_and_si256(second, load(&BITS[s % 32]));
            of_words[s / 32] = _mm256_or_si256(of_words[s / 32], bit);
        }
    }
}

/// The first of the best states of every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn best<const S: usize>(cost: &[__m256; S]) -> [u32; WIDE] {
    let mut states = [0; WIDE];
    let mut least = [f32::INFINITY; WIDE];
    for (s, &cost) in cost.iter().enumerate() {
        let mut of_lanes = [0f32; WIDE];
        // SAFETY: the array holds the 32 bytes that are written.
        unsafe { _mm256_storeu_ps(of_lanes.as_mut_ptr(), cost) };
        for lane in 0..WIDE {
            if of_lanes[lane] < least[lane] {
                (least[lane], states[lane]) = (of_lanes[lane], s as u32);
            }
        }
    }
    states
}
