//! What the contexts of a plane are estimated from, and the estimate.

use crate::quant::trellis::contexts::{
    Context, Contexts, MAX_MAGNITUDE, MAX_SHIFT, OCTAVES, SHIFT_UNIT, SHIFTS,
};

/// Units of residuals in a step. Magnitudes in steps are a half and more where the index is not zero, and
/// so what they are from their multiples is a whole number of these.
pub(super) const UNITS: f32 = (1 << 25) as f32;

/// What the contexts are estimated from.
#[derive(Clone)]
pub(crate) struct Statistics {
    /// Occurrences of each magnitude, the last entry counting all from [`MAX_MAGNITUDE`] + 1 on.
    pub counts: Vec<[u64; MAX_MAGNITUDE + 2]>,
    /// Sums of |value|/δ − multiple over magnitudes 0 (unused), 1, 2, ≥ 3, in units of [`UNITS`].
    pub residuals: Vec<[i64; SHIFTS + 1]>,
}

impl Statistics {
    pub fn new(contexts: usize) -> Self {
        Statistics {
            counts: vec![[0; MAX_MAGNITUDE + 2]; contexts],
            residuals: vec![[0; SHIFTS + 1]; contexts],
        }
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
    residuals: &[i64; SHIFTS + 1],
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
            let sum = residuals[j + 1] as f64 / f64::from(UNITS);
            let mean = sum / n as f64 / f64::from(SHIFT_UNIT);
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
