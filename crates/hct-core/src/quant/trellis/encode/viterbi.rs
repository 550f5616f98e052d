//! The encoder's search: for every lane the path through the trellis of least D + λR.

use super::rate::RATES;
use crate::quant::trellis::machine::Trellis;
use crate::simd::multiversion;

/// What the search optimizes for.
pub(crate) struct Search<'a> {
    /// 1/δ.
    pub inv_step: f32,
    /// λ·bits of index magnitude m in context c at `c * RATES + m`, contexts being
    /// `class * quantizers + quantizer`, in units of δ².
    pub costs: &'a [f32],
}

/// Quantized values: signed indices and the contexts they are coded in.
pub(crate) struct Quantized {
    pub indices: Vec<i32>,
    pub contexts: Vec<u8>,
}

/// Quantizes `values`, symbol i in lane i mod `L`; `classes[i]` is the class of value i. `states`
/// are those that the lanes start in.
pub(crate) fn quantize<const L: usize>(
    trellis: Trellis,
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    states: &[u8; L],
) -> Quantized {
    assert_eq!(values.len(), classes.len());
    let mut indices = vec![0; values.len()];
    if trellis.states() == 1 {
        scalar(search, values, &mut indices);
        return Quantized {
            indices,
            contexts: classes.to_vec(),
        };
    }
    let mut contexts = vec![0; values.len()];
    let out = (&mut indices[..], &mut contexts[..]);
    match trellis.states() {
        4 => viterbi::<L, 4>(search, values, classes, states, out),
        8 => viterbi::<L, 8>(search, values, classes, states, out),
        16 => viterbi::<L, 16>(search, values, classes, states, out),
        _ => viterbi::<L, 32>(search, values, classes, states, out),
    }
    Quantized { indices, contexts }
}

multiversion! {
    fn scalar(search: &Search<'_>, values: &[f32], indices: &mut [i32]) = scalar_body;
}

/// Rounding a little towards zero. Asking the rates instead gains nothing measurable at equal
/// distortion, and costs most of the time.
#[inline(always)]
fn scalar_body(search: &Search<'_>, values: &[f32], indices: &mut [i32]) {
    let scale = 0.5 * search.inv_step;
    for (&v, index) in values.iter().zip(indices) {
        let m = (v.abs() * scale + TOWARDS_ZERO) as i32;
        *index = if v < 0.0 { -m } else { m };
    }
}

/// Where the cost of magnitude `m` ≥ 0 is.
#[inline(always)]
fn clamped(m: i32) -> usize {
    m.min(RATES as i32 - 1) as usize & (RATES - 1)
}

/// Offsets of the multiples 4j + o of each subset: Q0 even, Q0 odd, Q1 even (0, 3, 7, …), Q1 odd.
const OFFSETS: [f32; 4] = [0.0, 2.0, -1.0, 1.0];
/// The nearer point of a subset is taken without asking its rate, which could only matter within
/// this little of the middle of four δ, in units of 4δ. Measured loss: below 0.001 bit.
const TOWARDS_ZERO: f32 = 0.48;

/// j of the point of `subset` near `a`.
#[inline(always)]
fn nearest(a: f32, subset: usize) -> f32 {
    // Truncation is floor here, and clamps to the first point.
    (((a - OFFSETS[subset]) * 0.25 + TOWARDS_ZERO).max(0.0) as i32) as f32
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

multiversion! {
    fn viterbi<const L: usize, const S: usize>(
        search: &Search<'_>,
        values: &[f32],
        classes: &[u8],
        starts: &[u8; L],
        out: (&mut [i32], &mut [u8]),
    ) = viterbi_body::<L, S>;
}

impl Trellis {
    /// The quantizer, 0 or 1, that `state` uses.
    #[inline(always)]
    pub fn quantizer(self, state: usize) -> usize {
        if self.states() == 1 { 0 } else { state & 1 }
    }
}

/// The two ways into each state: (state before, subset).
fn ways_into<const S: usize>(trellis: Trellis) -> [[(usize, usize); 2]; S] {
    let mut into = [[(0, 0); 2]; S];
    let mut ways = [0; S];
    for s in 0..S {
        for parity in 0..2 {
            let to = trellis.next(s, parity);
            into[to][ways[to]] = (s, 2 * trellis.quantizer(s) + parity);
            ways[to] += 1;
        }
    }
    into
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

#[inline(always)]
fn viterbi_body<const L: usize, const S: usize>(
    search: &Search<'_>,
    values: &[f32],
    classes: &[u8],
    starts: &[u8; L],
    (indices, contexts): (&mut [i32], &mut [u8]),
) {
    let trellis = Trellis::new(S).expect("a supported size");
    let into = ways_into::<S>(trellis);
    let (rows, _) = search.costs.as_chunks::<RATES>();
    let steps = values.len().div_ceil(L);
    let mut decisions = vec![[0u32; L]; steps];
    let mut cost = [[f32::INFINITY; L]; S];
    for (l, &start) in starts.iter().enumerate() {
        cost[usize::from(start)][l] = 0.0;
    }
    // Costs of the lanes that end one step before the others.
    let mut early = cost;
    for (t, decision) in decisions.iter_mut().enumerate() {
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
    for (t, decision) in decisions.iter().enumerate().rev() {
        let from = t * L;
        for l in 0..L.min(values.len() - from) {
            let way = usize::from(decision[l] >> states[l] & 1 == 1);
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
