//! The encoder's search: for every lane the path through the trellis of least D + λR.

use super::{Trellis, multiple};
use crate::simd::multiversion;

/// Index magnitudes past this share one rate.
pub(crate) const RATES: usize = 256;

/// What the search optimizes for.
pub(crate) struct Search<'a> {
    /// 1/δ.
    pub inv_step: f32,
    /// λ in units of δ² per bit.
    pub lambda: f32,
    /// λ·bits of index magnitude m in context c at `c * RATES + m`, contexts being
    /// `class * quantizers + quantizer`.
    pub costs: &'a [f32],
}

/// Quantizes `values` (symbol i in lane i mod `L`) to signed indices.
///
/// `classes[i]` is the class of value i; `indices` has the same length.
pub(crate) fn quantize<const L: usize>(
    trellis: Trellis,
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    indices: &mut [i32],
) {
    assert!(values.len() == classes.len() && values.len() == indices.len());
    match trellis.states() {
        1 => scalar(search, values, classes, indices),
        4 => viterbi::<L, 4>(search, values, classes, indices),
        8 => viterbi::<L, 8>(search, values, classes, indices),
        16 => viterbi::<L, 16>(search, values, classes, indices),
        _ => viterbi::<L, 32>(search, values, classes, indices),
    }
}

multiversion! {
    fn scalar(search: &Search<'_>, values: &[f32], classes: &[u8], indices: &mut [i32])
        = scalar_body;
}

#[inline(always)]
fn scalar_body(search: &Search<'_>, values: &[f32], classes: &[u8], indices: &mut [i32]) {
    for ((&v, &class), index) in values.iter().zip(classes).zip(indices) {
        let a = v.abs() * search.inv_step;
        let row = &search.costs[usize::from(class) * RATES..][..RATES];
        let low = (a * 0.5) as i32;
        let cost = |m: i32| {
            let d = a - (2 * m) as f32;
            d * d + row[(m as usize).min(RATES - 1)]
        };
        let m = if cost(low + 1) < cost(low) {
            low + 1
        } else {
            low
        };
        *index = if v < 0.0 { -m } else { m };
    }
}

/// Offset of each subset's multiples 4j + o: Q0 even, Q0 odd, Q1 even (0, 3, 7, …), Q1 odd.
const OFFSETS: [f32; 4] = [0.0, 2.0, -1.0, 1.0];

/// Cost and index magnitude of the better of the two points of `subset` around `a`.
#[inline(always)]
fn best_in_subset(a: f32, subset: usize, row: &[f32; RATES]) -> (f32, i32) {
    let o = OFFSETS[subset];
    let parity = (subset & 1) as i32;
    // Below the first point the pair starts at it.
    let j = ((a - o) * 0.25).max(0.0) as i32;
    let m0 = 2 * j + parity;
    let v0 = (4.0 * j as f32 + o).max(0.0);
    let v1 = 4.0 * j as f32 + (4.0 + o);
    let (d0, d1) = (a - v0, a - v1);
    let last = RATES as i32 - 1;
    let c0 = d0 * d0 + row[m0.min(last) as usize & (RATES - 1)];
    let c1 = d1 * d1 + row[(m0 + 2).min(last) as usize & (RATES - 1)];
    if c1 < c0 { (c1, m0 + 2) } else { (c0, m0) }
}

multiversion! {
    fn viterbi<const L: usize, const S: usize>(
        search: &Search<'_>,
        values: &[f32],
        classes: &[u8],
        indices: &mut [i32],
    ) = viterbi_body::<L, S>;
}

#[inline(always)]
fn viterbi_body<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    indices: &mut [i32],
) {
    let trellis = Trellis::new(S).expect("a supported size");
    // The two ways into each state: (state before, subset).
    let mut into = [[(0usize, 0usize); 2]; S];
    let mut ways = [0; S];
    for s in 0..S {
        for parity in 0..2 {
            let to = trellis.next(s, parity);
            into[to][ways[to]] = (s, 2 * trellis.quantizer(s) + parity);
            ways[to] += 1;
        }
    }
    let (rows, _) = search.costs.as_chunks::<RATES>();
    let steps = values.len().div_ceil(L);
    let mut decisions = vec![[0u32; L]; steps];
    let mut cost = [[f32::INFINITY; L]; S];
    cost[0] = [0.0; L];
    // Costs of the lanes that end one step before the others.
    let mut early = cost;
    for (t, decision) in decisions.iter_mut().enumerate() {
        let from = t * L;
        let active = L.min(values.len() - from);
        if active < L {
            early = cost;
        }
        let mut branch = [[0f32; L]; 4];
        for l in 0..active {
            let a = values[from + l].abs() * search.inv_step;
            let class = usize::from(classes[from + l]);
            let (row0, row1) = (&rows[2 * class], &rows[2 * class + 1]);
            branch[0][l] = best_in_subset(a, 0, row0).0;
            branch[1][l] = best_in_subset(a, 1, row0).0;
            branch[2][l] = best_in_subset(a, 2, row1).0;
            branch[3][l] = best_in_subset(a, 3, row1).0;
        }
        let mut next = [[0f32; L]; S];
        for s in 0..S {
            let [(s0, b0), (s1, b1)] = into[s];
            for l in 0..L {
                let c0 = cost[s0][l] + branch[b0][l];
                let c1 = cost[s1][l] + branch[b1][l];
                let second = c1 < c0;
                next[s][l] = if second { c1 } else { c0 };
                decision[l] |= u32::from(second) << s;
            }
        }
        // Keep the costs small so that f32 stays exact enough over a long lane.
        if t % 64 == 63 {
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
    let tail = values.len() % L;
    for l in 0..L.min(values.len()) {
        let ends_early = tail != 0 && l >= tail;
        let last = if ends_early { steps - 1 } else { steps };
        let costs = if ends_early { &early } else { &cost };
        let mut state = (0..S)
            .min_by(|&a, &b| costs[a][l].total_cmp(&costs[b][l]))
            .unwrap_or(0);
        for t in (0..last).rev() {
            let way = usize::from(decisions[t][l] >> state & 1 == 1);
            let (before, subset) = into[state][way];
            let i = t * L + l;
            let a = values[i].abs() * search.inv_step;
            let row = &rows[2 * usize::from(classes[i]) + subset / 2];
            let m = best_in_subset(a, subset, row).1;
            indices[i] = if values[i] < 0.0 { -m } else { m };
            state = before;
        }
    }
}

/// Squared error of indices in units of δ², for estimates; the file's own reconstruction may
/// shift points towards centroids.
#[cfg(test)]
pub(crate) fn squared_error<const L: usize>(
    trellis: Trellis,
    inv_step: f32,
    values: &[f32],
    indices: &[i32],
) -> f64 {
    let mut states = [0; L];
    let mut sum = 0.0;
    for (i, (&v, &k)) in values.iter().zip(indices).enumerate() {
        let state = &mut states[i % L];
        let q = trellis.quantizer(*state) as i32;
        let d = f64::from(v.abs() * inv_step) - f64::from(multiple(k.abs(), q));
        sum += d * d;
        *state = trellis.next(*state, (k & 1) as usize);
    }
    sum
}
