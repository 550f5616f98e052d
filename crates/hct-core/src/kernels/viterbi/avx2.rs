//! Eight lanes a vector, one group of eight after the other: each has the costs of its states in
//! registers or the first cache.

use std::arch::x86_64::*;
use std::ops::Range;

use super::{OFFSETS, RATES, Search, TOWARDS_ZERO};
use crate::kernels::avx2::{WIDE, load, low_bytes, store, widen};

/// Steps between renormalizations, as in the portable version.
const RENORMALIZED: usize = 64;

/// Quantizes all `values`.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u8; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let most = classes.iter().copied().max().map_or(0, usize::from);
    assert!(search.costs.len() >= 2 * RATES * (most + 1), "a class has no costs");
    let steps = values.len().div_ceil(L);
    let words = S.div_ceil(32);
    let mut decisions = vec![[0u32; WIDE]; words * steps];
    let mut zeros = vec![0u8; steps];
    let (group_starts, _) = starts.as_chunks::<WIDE>();
    for (group, starts) in group_starts.iter().enumerate() {
        let group = Group {
            values,
            classes,
            first: group * WIDE,
            stride: L,
        };
        if group.first >= values.len() {
            break;
        }
        let states = match most {
            0 => group.forward::<S, true>(search, starts, &mut decisions, &mut zeros),
            _ => group.forward::<S, false>(search, starts, &mut decisions, &mut zeros),
        };
        let out = (&mut *indices, &mut *contexts);
        group.backward::<S>(search, states, &decisions, &zeros, out);
    }
}

/// Eight lanes.
struct Group<'a> {
    values: &'a [f32],
    classes: &'a [u8],
    /// Number of the first value of the first lane.
    first: usize,
    /// Values from one step to the next.
    stride: usize,
}

/// The values of a step in eight lanes; zeros in lanes that have ended.
struct Step {
    values: __m256,
    classes: [u8; WIDE],
    /// Lanes that have not ended.
    active: usize,
}

impl Group<'_> {
    /// Steps of the first lane, which has most.
    #[inline(always)]
    fn steps(&self) -> usize {
        (self.values.len() - self.first).div_ceil(self.stride)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn step(&self, t: usize) -> Step {
        let from = self.first + t * self.stride;
        let whole = self.values[from..].first_chunk::<WIDE>();
        if let (Some(values), Some(classes)) = (whole, self.classes[from..].first_chunk()) {
            return Step {
                // SAFETY: the array holds the 32 bytes that are read.
                values: unsafe { _mm256_loadu_ps(values.as_ptr()) },
                classes: *classes,
                active: WIDE,
            };
        }
        self.ragged(from)
    }

    #[cold]
    #[target_feature(enable = "avx2")]
    fn ragged(&self, from: usize) -> Step {
        let active = self.values.len() - from;
        let (mut values, mut classes) = ([0f32; WIDE], [0; WIDE]);
        values[..active].copy_from_slice(&self.values[from..]);
        classes[..active].copy_from_slice(&self.classes[from..]);
        Step {
            // SAFETY: the array holds the 32 bytes that are read.
            values: unsafe { _mm256_loadu_ps(values.as_ptr()) },
            classes,
            active,
        }
    }

    /// Fills in which way into each state is the cheaper, a bit each, and where the even points of Q1
    /// are best at zero. Returns the best states at the ends of lanes.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn forward<const S: usize, const ONE_CLASS: bool>(
        &self,
        search: &Search<'_>,
        starts: &[u8; WIDE],
        decisions: &mut [[u32; WIDE]],
        zeros: &mut [u8],
    ) -> [u32; WIDE] {
        let into = search.machine.ways_into::<S>();
        let words = S.div_ceil(32);
        let mut first = [[f32::INFINITY; WIDE]; S];
        for (lane, &start) in starts.iter().enumerate() {
            first[usize::from(start)][lane] = 0.0;
        }
        let mut cost = [_mm256_setzero_ps(); S];
        for s in 0..S {
            // SAFETY: the array holds the 32 bytes that are read.
            cost[s] = unsafe { _mm256_loadu_ps(first[s].as_ptr()) };
        }
        let mut early = cost;
        let mut active = WIDE;
        let mut block = Block::new();
        let steps = self.steps();
        for start in (0..steps).step_by(BLOCK) {
            let end = steps.min(start + BLOCK);
            block.fill::<ONE_CLASS>(self, start..end, search);
            let rows = decisions[words * start..].chunks_exact_mut(words);
            let rows = rows.zip(&mut zeros[start..]);
            for (t, (decision, zero)) in (start..end).zip(rows) {
                if t + 1 == steps {
                    active = WIDE.min(self.values.len() - self.first - t * self.stride);
                    early = cost;
                }
                let (branch, at_zero) = block.branch_costs::<ONE_CLASS>(t - start, search.costs);
                *zero = at_zero;
                let mut next = [_mm256_setzero_ps(); S];
                for (w, decision) in decision.iter_mut().enumerate() {
                    let mut bits = _mm256_setzero_si256();
                    for s in 32 * w..S.min(32 * w + 32) {
                        let [(s0, b0), (s1, b1)] = into[s];
                        let c0 = _mm256_add_ps(cost[s0], branch[b0]);
                        let c1 = _mm256_add_ps(cost[s1], branch[b1]);
                        let second = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LT_OQ>(c1, c0));
                        next[s] = _mm256_min_ps(c1, c0);
                        let bit = _mm256_set1_epi32((1u32 << (s % 32)) as i32);
                        bits = _mm256_or_si256(bits, _mm256_and_si256(second, bit));
                    }
                    store(bits, decision);
                }
                // Keep the costs small so that f32 stays exact enough over a long lane.
                if t % RENORMALIZED == RENORMALIZED - 1 {
                    let low = next[1..].iter().fold(next[0], |low, &c| _mm256_min_ps(low, c));
                    for c in &mut next {
                        *c = _mm256_sub_ps(*c, low);
                    }
                }
                cost = next;
            }
        }
        let (ends, early) = (best(&cost), best(&early));
        std::array::from_fn(|lane| if lane < active { ends[lane] } else { early[lane] })
    }

    /// Follows the best paths back from `states`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn backward<const S: usize>(
        &self,
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
        for t in (0..self.steps()).rev() {
            let step = self.step(t);
            let decision = &decisions[words * t..words * (t + 1)];
            let mut bits = load(&decision[0]);
            for (w, decision) in decision.iter().enumerate().skip(1) {
                let here = _mm256_cmpeq_epi32(
                    _mm256_srli_epi32::<5>(s),
                    _mm256_set1_epi32(w as i32),
                );
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
            let a = scaled(step.values, search.inv_step);
            let j = _mm256_cvttps_epi32(nearest(a, _mm256_permutevar_ps(offsets, subset)));
            let m = _mm256_or_si256(_mm256_slli_epi32::<1>(j), odd);
            // The even points of Q1: 0, or at least 3.
            let evens = _mm256_cmpeq_epi32(subset, _mm256_set1_epi32(2));
            let at_zero = _mm256_set1_epi32(i32::from(zeros[t]));
            let at_zero = _mm256_cmpeq_epi32(_mm256_and_si256(at_zero, of_lane), of_lane);
            let three = _mm256_slli_epi32::<1>(_mm256_max_epi32(j, one));
            let m = _mm256_blendv_epi8(m, three, evens);
            let m = _mm256_blendv_epi8(m, zero, _mm256_and_si256(evens, at_zero));
            let below = _mm256_cmp_ps::<_CMP_LT_OQ>(step.values, _mm256_setzero_ps());
            let below = _mm256_castps_si256(below);
            let index = _mm256_sub_epi32(_mm256_xor_si256(m, below), below);
            let class = widen(&step.classes);
            let context = low_bytes(_mm256_or_si256(_mm256_slli_epi32::<1>(class), q));
            let from = self.first + t * self.stride;
            if step.active == WIDE {
                s = before;
                if let (Some(to), Some(of)) = (
                    indices[from..].first_chunk_mut::<WIDE>(),
                    contexts[from..].first_chunk_mut::<WIDE>(),
                ) {
                    // SAFETY: an i32 has the size and alignment of a u32.
                    store(index, unsafe { &mut *to.as_mut_ptr().cast::<[u32; WIDE]>() });
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

/// Magnitudes in steps.
#[inline]
#[target_feature(enable = "avx2")]
fn scaled(values: __m256, inv_step: f32) -> __m256 {
    let magnitudes = _mm256_andnot_ps(_mm256_set1_ps(-0.0), values);
    _mm256_mul_ps(magnitudes, _mm256_set1_ps(inv_step))
}

/// j, before truncation, of the points 4j + `offset` near `a`.
#[inline]
#[target_feature(enable = "avx2")]
fn nearest(a: __m256, offset: __m256) -> __m256 {
    let quarter = _mm256_mul_ps(_mm256_sub_ps(a, offset), _mm256_set1_ps(0.25));
    let up = _mm256_add_ps(quarter, _mm256_set1_ps(TOWARDS_ZERO));
    _mm256_max_ps(up, _mm256_setzero_ps())
}

#[inline]
#[target_feature(enable = "avx2")]
fn square(x: __m256) -> __m256 {
    _mm256_mul_ps(x, x)
}

/// Steps whose points are found before their rates are looked up, and those before anything is
/// compared: within one step each would wait for the other, and a CPU does not look far enough
/// ahead to find the next one's work.
const BLOCK: usize = 32;

/// The points near the values of some steps, one of each subset, and what they cost.
struct Block {
    /// Squared errors.
    squares: [[__m256; 4]; BLOCK],
    /// Squared values: errors of zero.
    at_zero: [__m256; BLOCK],
    /// Magnitudes of indices, of subset k in bits 8k to 8k + 7.
    magnitudes: [[u32; WIDE]; BLOCK],
    rates: [[[f32; WIDE]; 4]; BLOCK],
    /// Rates of the zero of Q1, where there is more than one class.
    zero_rates: [[f32; WIDE]; BLOCK],
}

impl Block {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        Block {
            squares: [[_mm256_setzero_ps(); 4]; BLOCK],
            at_zero: [_mm256_setzero_ps(); BLOCK],
            magnitudes: [[0; WIDE]; BLOCK],
            rates: [[[0.0; WIDE]; 4]; BLOCK],
            zero_rates: [[0.0; WIDE]; BLOCK],
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn fill<const ONE_CLASS: bool>(
        &mut self,
        group: &Group<'_>,
        steps: Range<usize>,
        search: &Search<'_>,
    ) {
        let one = _mm256_set1_epi32(1);
        let four = _mm256_set1_ps(4.0);
        let largest = _mm256_set1_epi32(RATES as i32 - 1);
        let mut classes = [[0; WIDE]; BLOCK];
        for (i, t) in steps.clone().enumerate() {
            let step = group.step(t);
            classes[i] = step.classes;
            let a = scaled(step.values, search.inv_step);
            self.at_zero[i] = square(a);
            let mut packed = _mm256_setzero_si256();
            for subset in [3, 2, 1, 0] {
                let offset = _mm256_set1_ps(OFFSETS[subset]);
                let mut j = _mm256_cvttps_epi32(nearest(a, offset));
                let mut m = _mm256_slli_epi32::<1>(j);
                if subset == 2 {
                    j = _mm256_max_epi32(j, one);
                    m = _mm256_slli_epi32::<1>(j);
                } else if subset % 2 == 1 {
                    m = _mm256_or_si256(m, one);
                }
                let point = _mm256_add_ps(_mm256_mul_ps(four, _mm256_cvtepi32_ps(j)), offset);
                self.squares[i][subset] = square(_mm256_sub_ps(a, point));
                let m = _mm256_min_epi32(m, largest);
                packed = _mm256_or_si256(_mm256_slli_epi32::<8>(packed), m);
            }
            store(packed, &mut self.magnitudes[i]);
        }
        for i in 0..steps.len() {
            for lane in 0..WIDE {
                let class = if ONE_CLASS { 0 } else { usize::from(classes[i][lane]) };
                let magnitudes = self.magnitudes[i][lane].to_le_bytes();
                for (subset, m) in magnitudes.into_iter().enumerate() {
                    let at = (2 * class + subset / 2) * RATES + usize::from(m);
                    // SAFETY: `run` saw that every class has costs of all magnitudes in both of
                    // its contexts.
                    self.rates[i][subset][lane] = unsafe { *search.costs.get_unchecked(at) };
                }
                if !ONE_CLASS {
                    let at = (2 * class + 1) * RATES;
                    // SAFETY: as above.
                    self.zero_rates[i][lane] = unsafe { *search.costs.get_unchecked(at) };
                }
            }
        }
    }

    /// Costs of the four subsets in step `i`, and in which lanes the third is best at zero.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn branch_costs<const ONE_CLASS: bool>(&self, i: usize, costs: &[f32]) -> ([__m256; 4], u8) {
        let rates = |rates: &[f32; WIDE]| {
            // SAFETY: the array holds the 32 bytes that are read.
            unsafe { _mm256_loadu_ps(rates.as_ptr()) }
        };
        let mut branch = [_mm256_setzero_ps(); 4];
        for subset in 0..4 {
            let rates = rates(&self.rates[i][subset]);
            branch[subset] = _mm256_add_ps(self.squares[i][subset], rates);
        }
        let zero_rates = match ONE_CLASS {
            true => _mm256_set1_ps(costs[RATES]),
            false => rates(&self.zero_rates[i]),
        };
        let zero = _mm256_add_ps(self.at_zero[i], zero_rates);
        let at_zero = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(zero, branch[2]));
        branch[2] = _mm256_min_ps(zero, branch[2]);
        (branch, at_zero as u8)
    }
}
