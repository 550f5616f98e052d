//! Eight lanes a vector, one group of eight after the other: each has the costs of its states in
//! registers or the first cache.

use std::arch::x86_64::*;

use super::{OFFSETS, RATES, Search, TOWARDS_ZERO};
use crate::kernels::avx2::{WIDE, lanes, load, low_bytes, store, widen};

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
        let active = self.values.len() - from;
        let (mut values, mut classes) = ([0f32; WIDE], [0; WIDE]);
        values[..active].copy_from_slice(&self.values[from..]);
        classes[..active].copy_from_slice(&self.classes[from..]);
        Step {
            // SAFETY: as above.
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
        let rows = decisions.chunks_exact_mut(words).zip(zeros);
        for (t, (decision, zero)) in (0..self.steps()).zip(rows) {
            let step = self.step(t);
            active = step.active;
            if active < WIDE {
                early = cost;
            }
            let a = scaled(step.values, search.inv_step);
            let (branch, at_zero) = branch_costs::<ONE_CLASS>(a, &step.classes, search.costs);
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

/// Costs of the four subsets, and in which lanes the third is best at zero.
#[inline]
#[target_feature(enable = "avx2")]
fn branch_costs<const ONE_CLASS: bool>(
    a: __m256,
    classes: &[u8; WIDE],
    costs: &[f32],
) -> ([__m256; 4], u8) {
    let one = _mm256_set1_epi32(1);
    let four = _mm256_set1_ps(4.0);
    let mut squares = [_mm256_setzero_ps(); 4];
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
        squares[subset] = square(_mm256_sub_ps(a, point));
        let m = _mm256_min_epi32(m, _mm256_set1_epi32(RATES as i32 - 1));
        packed = _mm256_or_si256(_mm256_slli_epi32::<8>(packed), m);
    }
    let packed = lanes(packed);
    let rate = |lane: usize, subset: usize| {
        let class = if ONE_CLASS { 0 } else { usize::from(classes[lane]) };
        let m = packed[lane] >> (8 * subset) & (RATES - 1);
        // SAFETY: the caller saw that every class has costs of all magnitudes in both contexts.
        unsafe { *costs.get_unchecked((2 * class + subset / 2) * RATES + m) }
    };
    let rates = |subset: usize| {
        _mm256_setr_ps(
            rate(0, subset),
            rate(1, subset),
            rate(2, subset),
            rate(3, subset),
            rate(4, subset),
            rate(5, subset),
            rate(6, subset),
            rate(7, subset),
        )
    };
    let zero_rate = |lane: usize| {
        let class = usize::from(classes[lane]);
        // SAFETY: as above.
        unsafe { *costs.get_unchecked((2 * class + 1) * RATES) }
    };
    let zero_rates = match ONE_CLASS {
        true => _mm256_set1_ps(costs[RATES]),
        false => _mm256_setr_ps(
            zero_rate(0),
            zero_rate(1),
            zero_rate(2),
            zero_rate(3),
            zero_rate(4),
            zero_rate(5),
            zero_rate(6),
            zero_rate(7),
        ),
    };
    let mut branch = [_mm256_setzero_ps(); 4];
    for subset in 0..4 {
        branch[subset] = _mm256_add_ps(squares[subset], rates(subset));
    }
    let zero = _mm256_add_ps(square(a), zero_rates);
    let at_zero = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(zero, branch[2]));
    branch[2] = _mm256_min_ps(zero, branch[2]);
    (branch, at_zero as u8)
}
