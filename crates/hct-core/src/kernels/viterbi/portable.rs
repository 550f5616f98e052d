//! The reference.

use super::rates::RATES;
use super::search::{OFFSETS, RENORMALIZED, Search, TOWARDS_ZERO};
use crate::kernels::truncate::truncated;

/// Where the cost of magnitude `m` ≥ 0 is.
#[inline(always)]
fn clamped(m: i32) -> usize {
    m.min(RATES as i32 - 1) as usize & (RATES - 1)
}

/// j of the point of `subset` near `a`.
#[inline(always)]
pub(super) fn nearest(a: f32, subset: usize) -> f32 {
    // Truncation is floor here, and clamps to the first point.
    truncated(((a - OFFSETS[subset]) * 0.25 + TOWARDS_ZERO).max(0.0)) as f32
}

#[inline(always)]
fn square(x: f32) -> f32 {
    x * x
}

/// The even points of Q1 are 0 and 4j − 1; zero's rate is so unlike the others' that small values
/// must compare both. Returns the costs of 0 and of the other.
#[inline(always)]
fn zero_or_three(a: f32, j: f32, row: &[f32; RATES]) -> (f32, f32, i32) {
    let j = j.max(1.0);
    let m = 2 * j as i32;
    (
        a * a + row[0],
        square(a - (4.0 * j - 1.0)) + row[clamped(m)],
        m,
    )
}

/// Costs of the four subsets for one step of all lanes.
#[inline(always)]
fn branch_costs<const L: usize>(
    a: &[f32; L],
    classes: &[u8; L],
    rows: &[[f32; RATES]],
) -> [[f32; L]; 4] {
    let mut points = [[0f32; L]; 4];
    let mut branch = [[0f32; L]; 4];
    for subset in 0..4 {
        for l in 0..L {
            let j = nearest(a[l], subset);
            points[subset][l] = j;
            branch[subset][l] = square(a[l] - (4.0 * j + OFFSETS[subset]));
        }
    }
    for l in 0..L {
        let class = usize::from(classes[l]);
        let (row0, row1) = (&rows[2 * class], &rows[2 * class + 1]);
        let index = |subset: usize| clamped(2 * points[subset][l] as i32 + (subset & 1) as i32);
        branch[0][l] += row0[index(0)];
        branch[1][l] += row0[index(1)];
        branch[3][l] += row1[index(3)];
        let (zero, other, _) = zero_or_three(a[l], points[2][l], row1);
        branch[2][l] = zero.min(other);
    }
    branch
}

/// Quantizes all `values`.
pub(super) fn run<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u16; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let into = search.machine.ways_into::<S>();
    let words = S.div_ceil(32);
    let rows = &search.rates.rows[..];
    let steps = values.len().div_ceil(L);
    let mut decisions = vec![[0u32; L]; words * steps];
    let mut cost = [[f32::INFINITY; L]; S];
    for (l, &start) in starts.iter().enumerate() {
        cost[usize::from(start)][l] = 0.0;
    }
    // Costs of the lanes that end one step before the others.
    let mut early = cost;
    for (t, decision) in decisions.chunks_exact_mut(words).enumerate() {
        let from = t * L;
        let active = L.min(values.len() - from);
        let (mut a, mut class) = ([0f32; L], [0u8; L]);
        if active < L {
            early = cost;
            for (a, v) in a.iter_mut().zip(&values[from..]) {
                *a = v.abs() * search.inv_step;
            }
            class[..active].copy_from_slice(&classes[from..]);
        } else {
            for (a, v) in a.iter_mut().zip(&values[from..from + L]) {
                *a = v.abs() * search.inv_step;
            }
            class.copy_from_slice(&classes[from..from + L]);
        }
        let branch = branch_costs(&a, &class, rows);
        let mut next = [[0f32; L]; S];
        for s in 0..S {
            let [(s0, b0), (s1, b1)] = into[s];
            for l in 0..L {
                let c0 = cost[s0][l] + branch[b0][l];
                let c1 = cost[s1][l] + branch[b1][l];
                let second = c1 < c0;
                next[s][l] = if second { c1 } else { c0 };
                decision[s / 32][l] |= u32::from(second) << (s % 32);
            }
        }
        // Keep the costs small so that f32 stays exact enough over a long lane.
        if t % RENORMALIZED == RENORMALIZED - 1 {
            for l in 0..L {
                let mut low = next[0][l];
                for row in &next[1..] {
                    low = low.min(row[l]);
                }
                for row in &mut next {
                    row[l] -= low;
                }
            }
        }
        cost = next;
    }
    // Back along the best path of every lane, all lanes in step.
    let tail = values.len() % L;
    let mut states = [0usize; L];
    let best = |costs: &[[f32; L]; S], l: usize| {
        (0..S)
            .min_by(|&a, &b| costs[a][l].total_cmp(&costs[b][l]))
            .unwrap_or(0)
    };
    for (l, state) in states.iter_mut().enumerate() {
        let ends_early = tail != 0 && l >= tail;
        *state = best(if ends_early { &early } else { &cost }, l);
    }
    for (t, decision) in decisions.chunks_exact(words).enumerate().rev() {
        let from = t * L;
        for l in 0..L.min(values.len() - from) {
            let bits = decision[states[l] / 32][l] >> (states[l] % 32);
            let way = (bits & 1) as usize;
            let (before, subset) = into[states[l]][way];
            states[l] = before;
            let i = from + l;
            let a = values[i].abs() * search.inv_step;
            let j = nearest(a, subset);
            let context = 2 * usize::from(classes[i]) + subset / 2;
            let mut m = 2 * j as i32 + (subset & 1) as i32;
            if subset == 2 {
                let (zero, other, other_m) = zero_or_three(a, j, &rows[context]);
                m = if zero <= other { 0 } else { other_m };
            }
            indices[i] = if values[i] < 0.0 { -m } else { m };
            contexts[i] = context as u8;
        }
    }
}
