//! What the contexts of a plane are estimated from, and the estimate.

use super::search::Quantized;
use crate::quant::trellis::contexts::{
    Context, Contexts, MAX_MAGNITUDE, MAX_SHIFT, OCTAVES, SHIFT_UNIT, SHIFTS,
};

/// Counts that take turns.
const TURNS: usize = 4;

/// What the contexts are estimated from.
#[derive(Clone)]
pub(crate) struct Statistics {
    /// Occurrences of each magnitude, the last entry counting all from [`MAX_MAGNITUDE`] + 1 on.
    pub counts: Vec<[u64; MAX_MAGNITUDE + 2]>,
    /// Sums of |value|/δ − multiple over magnitudes 0 (unused), 1, 2, ≥ 3.
    pub residuals: Vec<[f64; SHIFTS + 1]>,
}

impl Statistics {
    pub fn new(contexts: usize) -> Self {
        Statistics {
            counts: vec![[0; MAX_MAGNITUDE + 2]; contexts],
            residuals: vec![[0.0; SHIFTS + 1]; contexts],
        }
    }

    /// Counts a magnitude that there is no residual of.
    #[inline(always)]
    pub fn count(&mut self, context: usize, magnitude: usize) {
        self.counts[context][magnitude.min(MAX_MAGNITUDE + 1)] += 1;
    }

    #[inline(always)]
    pub fn add(&mut self, context: usize, magnitude: usize, residual: f32) {
        self.count(context, magnitude);
        // The entry of magnitude 0 is never read: cheaper than a branch.
        self.residuals[context][magnitude.min(SHIFTS)] += f64::from(residual);
    }

    /// Adds values, given in `inverse` steps, with their indices and contexts; `odd` is what the
    /// contexts take from twice a magnitude to come to its multiple.
    pub fn add_all(&mut self, (values, inverse): (&[f32], f32), of: &Quantized, odd: &[f32]) {
        // Some turns: two of the same context and magnitude in a row would wait for each other. The
        // sums are exact, in whatever order: magnitudes in steps of a half and more, and so what
        // they are from their multiples, are whole numbers of 2⁻²⁵.
        let mut turns: [Statistics; TURNS] =
            std::array::from_fn(|_| Statistics::new(self.counts.len()));
        let add = |turn: &mut Statistics, v: f32, k: i32, c: u8| {
            let m = k.unsigned_abs();
            // Meaningless for 0, which has no residual.
            let point = (2 * m) as f32 - odd[usize::from(c)];
            turn.add(usize::from(c), m as usize, v.abs() * inverse - point);
        };
        let (values, last_values) = values.as_chunks::<TURNS>();
        let (indices, last_indices) = of.indices.as_chunks::<TURNS>();
        let (contexts, last_contexts) = of.contexts.as_chunks::<TURNS>();
        for ((v, k), c) in values.iter().zip(indices).zip(contexts) {
            for (i, turn) in turns.iter_mut().enumerate() {
                add(turn, v[i], k[i], c[i]);
            }
        }
        let last = last_values.iter().zip(last_indices).zip(last_contexts);
        last.for_each(|((&v, &k), &c)| add(&mut turns[0], v, k, c));
        turns.iter().for_each(|turn| self.merge(turn));
    }

    /// Steps per octave that the log-frequencies estimated from this are worth.
    pub fn precision(&self) -> i64 {
        let total: u64 = self.counts.iter().flatten().sum();
        if total > 1 << 19 { 8 } else { 4 }
    }

    pub fn merge(&mut self, other: &Statistics) {
        for (a, b) in self.counts.iter_mut().zip(&other.counts) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
        for (a, b) in self.residuals.iter_mut().zip(&other.residuals) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
    }
}

impl Contexts {
    /// The same reproduction points, with log-frequencies fitted to what was seen.
    pub fn refitted(&self, stats: &Statistics) -> Self {
        let precision = stats.precision();
        let contexts = self.contexts.iter().zip(&stats.counts);
        let contexts = contexts.map(|(context, counts)| Context {
            logs: log_frequencies(counts, context.logs.len() - 1, precision),
            shifts: context.shifts,
        });
        Self::build(precision, contexts.collect())
    }

    /// Contexts fitted to what was seen.
    pub fn from_statistics(stats: &Statistics, quantizers: usize) -> Self {
        let precision = stats.precision();
        let mut contexts: Vec<Context> = Vec::with_capacity(stats.counts.len());
        for (i, (counts, residuals)) in stats.counts.iter().zip(&stats.residuals).enumerate() {
            let before = i.checked_sub(quantizers).map(|b| &contexts[b]);
            let context = fit(counts, residuals, precision, before);
            contexts.push(context);
        }
        Self::build(precision, contexts)
    }
}

/// Quantized log-frequencies and shifts of one context.
fn fit(
    counts: &[u64; MAX_MAGNITUDE + 2],
    residuals: &[f64; SHIFTS + 1],
    precision: i64,
    before: Option<&Context>,
) -> Context {
    let total: u64 = counts.iter().sum();
    // Magnitudes seen about once cost more in the table than as patches, but a long tail that is
    // populated must have symbols.
    let mut max = 1;
    let mut tail = counts[MAX_MAGNITUDE + 1];
    for m in (1..=MAX_MAGNITUDE).rev() {
        tail += counts[m];
        if tail >= 3 || tail * 256 > total {
            max = m.max(1);
            break;
        }
    }
    let logs = log_frequencies(counts, max, precision);
    let mut shifts = before.map_or([0; SHIFTS], |b| b.shifts);
    for (j, shift) in shifts.iter_mut().enumerate().take(max) {
        let n: u64 = if j + 1 < SHIFTS {
            counts[j + 1]
        } else {
            counts[SHIFTS..].iter().sum()
        };
        // Worth its bits only where enough samples share it.
        if n >= 32 {
            let mean = residuals[j + 1] / n as f64 / f64::from(SHIFT_UNIT);
            *shift = (libm::round(mean) as i64).clamp(-MAX_SHIFT, MAX_SHIFT);
        }
    }
    Context { logs, shifts }
}

/// Quantized logarithms of the frequencies of magnitudes up to `max`.
fn log_frequencies(counts: &[u64; MAX_MAGNITUDE + 2], max: usize, precision: i64) -> Vec<i64> {
    let top = OCTAVES * precision;
    // Both signs share a magnitude's count, so a non-zero magnitude weighs half.
    let weight = |m: usize| {
        let k = counts[m] as f64 + 0.3;
        if m == 0 { 2.0 * k } else { k }
    };
    let largest = (0..=max).map(weight).fold(0.0, f64::max);
    (0..=max)
        .map(|m| {
            let octaves = libm::log2(weight(m) / largest);
            (top + libm::round(octaves * precision as f64) as i64).max(0)
        })
        .collect()
}
