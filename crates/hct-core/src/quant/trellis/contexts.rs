//! Static entropy-coding contexts of a trellis plane: for each class and quantizer a symmetric
//! distribution of index magnitudes and the shifts of its reproduction points to centroids.
//!
//! Distributions are stored as quantized logarithms predicted from the neighbouring class, since
//! a context of a small tensor sees too few samples to pay for exact frequencies.

use super::encode::viterbi::RATES;
use super::scale_model::MAX_CLASSES;
use crate::entropy::binary::{Decoder, Encoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::{Error, Result};

/// Largest index magnitude with a symbol of its own; larger ones are patched.
pub(crate) const MAX_MAGNITUDE: usize = 127;
/// Magnitudes 1, 2 and ≥ 3 have reproduction shifts of their own.
pub(crate) const SHIFTS: usize = 3;
/// Shifts are in units of δ/32 and lie within ±64.
pub(crate) const SHIFT_UNIT: f32 = 1.0 / 32.0;
const MAX_SHIFT: i64 = 64;
/// Log-frequencies span this many octaves below the largest.
const OCTAVES: i64 = 16;

/// round(2¹⁵·2^(j/16)).
const EXP2_16: [u64; 16] = [
    32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376, 46341, 48393, 50535, 52773, 55109,
    57549, 60097, 62757,
];

/// Symbol of a signed index: 0, 1, −1, 2, −2, … become 0, 1, 2, 3, 4, …
#[inline(always)]
pub(crate) fn symbol(index: i32) -> usize {
    let m = index.unsigned_abs() as usize;
    if index > 0 { 2 * m - 1 } else { 2 * m }
}

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

    #[inline(always)]
    pub fn add(&mut self, context: usize, magnitude: usize, residual: f32) {
        self.counts[context][magnitude.min(MAX_MAGNITUDE + 1)] += 1;
        // The entry of magnitude 0 is never read: cheaper than a branch.
        self.residuals[context][magnitude.min(SHIFTS)] += f64::from(residual);
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

/// One context: log-frequencies of magnitudes 0..=max and reproduction shifts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Context {
    /// In units of 1/precision octave, 0 for the smallest; empty magnitudes hold 0.
    logs: Vec<i64>,
    shifts: [i64; SHIFTS],
}

/// The contexts of a plane, `class * quantizers + quantizer`.
#[derive(Clone, Debug)]
pub(crate) struct Contexts {
    quantizers: usize,
    /// Steps of the log-frequencies per octave: 4, 8 or 16.
    precision: i64,
    contexts: Vec<Context>,
    pub tables: Vec<FreqTable>,
}

impl Contexts {
    /// Contexts fitted to what was seen.
    pub fn from_statistics(stats: &Statistics, quantizers: usize) -> Self {
        let total: u64 = stats.counts.iter().flatten().sum();
        let precision = if total > 1 << 19 { 8 } else { 4 };
        let mut contexts: Vec<Context> = Vec::with_capacity(stats.counts.len());
        for (i, (counts, residuals)) in stats.counts.iter().zip(&stats.residuals).enumerate() {
            let before = i.checked_sub(quantizers).map(|b| &contexts[b]);
            let context = fit(counts, residuals, precision, before);
            contexts.push(context);
        }
        Self::build(quantizers, precision, contexts)
    }

    fn build(quantizers: usize, precision: i64, contexts: Vec<Context>) -> Self {
        let tables = contexts.iter().map(|c| table(&c.logs, precision)).collect();
        Contexts {
            quantizers,
            precision,
            contexts,
            tables,
        }
    }

    /// Largest magnitude that `context` has a symbol for.
    #[inline(always)]
    pub fn max_magnitude(&self, context: usize) -> usize {
        self.contexts[context].logs.len() - 1
    }

    /// The magnitude coded in place of `m`: itself, or the largest of its parity that has a
    /// symbol, so that the trellis goes the same way. A patch carries the rest.
    #[inline(always)]
    pub fn coded_magnitude(&self, context: usize, m: usize) -> usize {
        let max = self.max_magnitude(context);
        if m <= max {
            m
        } else {
            max.saturating_sub((max ^ m) & 1)
        }
    }

    /// Whether every parity has a symbol in `context`, so that any index can be coded.
    fn codes_both_parities(logs: &[i64]) -> bool {
        logs.len() >= 2
    }

    /// Shift of magnitude `m` ≥ 1 in units of δ.
    pub fn shift(&self, context: usize, m: usize) -> f32 {
        self.contexts[context].shifts[m.min(SHIFTS) - 1] as f32 * SHIFT_UNIT
    }

    /// λ·bits per magnitude for the search, `lambda` in δ² per bit.
    pub fn costs(&self, lambda: f32) -> Vec<f32> {
        // A patch costs about its position and its value.
        const PATCH_BITS: f32 = 28.0;
        let mut out = Vec::with_capacity(self.tables.len() * RATES);
        for (c, table) in self.tables.iter().enumerate() {
            for m in 0..RATES {
                let coded = self.coded_magnitude(c, m);
                let patch = if coded == m { 0.0 } else { PATCH_BITS };
                out.push(lambda * (table.cost(2 * coded) + patch));
            }
        }
        out
    }

    /// Bits that symbols of these statistics cost, patches left out.
    pub fn bits(&self, stats: &Statistics) -> f64 {
        let mut bits = 0.0;
        for (c, (table, counts)) in self.tables.iter().zip(&stats.counts).enumerate() {
            for (m, &k) in counts.iter().enumerate().filter(|&(_, &k)| k > 0) {
                bits += k as f64 * f64::from(table.cost(2 * self.coded_magnitude(c, m)));
            }
        }
        bits
    }

    pub fn write(&self, enc: &mut Encoder) {
        let mut m = Models::new();
        m.precision.encode(enc, self.precision.ilog2() as u64 - 2);
        for (i, context) in self.contexts.iter().enumerate() {
            let before = i.checked_sub(self.quantizers).map(|b| &self.contexts[b]);
            let max = context.logs.len() as i64;
            m.max
                .encode_signed(enc, max - before.map_or(0, |b| b.logs.len() as i64));
            for j in 0..context.logs.len() {
                let residual =
                    context.logs[j] - predict(&context.logs[..j], before, j, self.precision);
                m.logs[j.min(7)].encode_signed(enc, residual);
            }
            for j in 0..SHIFTS.min(context.logs.len() - 1) {
                let residual = context.shifts[j] - before.map_or(0, |b| b.shifts[j]);
                m.shifts[j].encode_signed(enc, residual);
            }
        }
    }

    /// Inverse of [`Contexts::write`].
    ///
    /// # Errors
    /// When a value is out of range or the data end early.
    pub fn read(dec: &mut Decoder<'_>, classes: usize, quantizers: usize) -> Result<Self> {
        let bad = |why: &str| Err(Error::invalid("context tables", why));
        let mut m = Models::new();
        let precision = match m.precision.decode(dec) {
            p @ 0..=2 => 4i64 << p,
            value => {
                return Err(Error::Reserved {
                    field: "log-frequency precision",
                    value,
                });
            }
        };
        debug_assert!(classes <= MAX_CLASSES);
        let mut contexts: Vec<Context> = Vec::with_capacity(classes * quantizers);
        for i in 0..classes * quantizers {
            let before = i.checked_sub(quantizers).map(|b| &contexts[b]);
            let len = m
                .max
                .decode_signed(dec)
                .saturating_add(before.map_or(0, |b| b.logs.len() as i64));
            if len < 1 || len > MAX_MAGNITUDE as i64 + 1 || dec.exhausted() {
                return bad("a magnitude limit is out of range, or the data end early");
            }
            let mut logs = Vec::with_capacity(len as usize);
            for j in 0..len as usize {
                let v = m.logs[j.min(7)]
                    .decode_signed(dec)
                    .saturating_add(predict(&logs, before, j, precision));
                if !(0..=OCTAVES * precision).contains(&v) {
                    return bad("a log-frequency is out of range");
                }
                logs.push(v);
            }
            if quantizers > 1 && !Self::codes_both_parities(&logs) {
                return bad("a context has no symbol of odd parity");
            }
            let mut shifts = before.map_or([0; SHIFTS], |b| b.shifts);
            for (j, shift) in shifts.iter_mut().enumerate().take(len as usize - 1) {
                *shift = shift.saturating_add(m.shifts[j].decode_signed(dec));
                if shift.unsigned_abs() > MAX_SHIFT as u64 {
                    return bad("a reproduction shift is out of range");
                }
            }
            contexts.push(Context { logs, shifts });
        }
        Ok(Self::build(quantizers, precision, contexts))
    }
}

struct Models {
    precision: UintModel,
    max: UintModel,
    logs: Vec<UintModel>,
    shifts: Vec<UintModel>,
}

impl Models {
    fn new() -> Self {
        Models {
            precision: UintModel::new(),
            max: UintModel::new(),
            logs: vec![UintModel::new(); 8],
            shifts: vec![UintModel::new(); SHIFTS],
        }
    }
}

/// Prediction of log-frequency `j` from those before it and from the context before.
fn predict(logs: &[i64], before: Option<&Context>, j: usize, precision: i64) -> i64 {
    let top = OCTAVES * precision;
    let prediction = match (before.map(|b| &b.logs[..]), logs) {
        (Some(b), []) => b[0],
        (None, []) => top,
        (Some(b), [.., last]) if j < b.len() => last + b[j] - b[j - 1],
        (_, [.., a, b]) => 2 * b - a,
        (_, [last]) => *last,
    };
    prediction.clamp(0, top)
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
    let top = OCTAVES * precision;
    // Both signs share a magnitude's count, so a non-zero magnitude weighs half.
    let weight = |m: usize| {
        let k = counts[m] as f64 + 0.3;
        if m == 0 { 2.0 * k } else { k }
    };
    let largest = (0..=max).map(weight).fold(0.0, f64::max);
    let logs = (0..=max)
        .map(|m| {
            let octaves = libm::log2(weight(m) / largest);
            (top + libm::round(octaves * precision as f64) as i64).max(0)
        })
        .collect();
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

/// The frequency table of log-frequencies.
fn table(logs: &[i64], precision: i64) -> FreqTable {
    let weight = |log: i64| {
        let fraction = (log % precision) * (16 / precision);
        EXP2_16[fraction as usize] << (log / precision)
    };
    let mut weights = Vec::with_capacity(2 * logs.len() - 1);
    weights.push(weight(logs[0]));
    for &log in &logs[1..] {
        weights.extend([weight(log); 2]);
    }
    FreqTable::from_weights(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_survive_writing() {
        let mut stats = Statistics::new(8);
        for c in 0..8usize {
            for m in 0..40 {
                for _ in 0..(10_000 >> (m * (9 - c) / 8).min(30)) {
                    stats.add(c, m, 0.1 * c as f32);
                }
            }
        }
        stats.add(3, 100_000, 0.0);
        let contexts = Contexts::from_statistics(&stats, 2);
        let mut enc = Encoder::new();
        contexts.write(&mut enc);
        let bytes = enc.finish();
        let mut dec = Decoder::new(&bytes);
        let back = Contexts::read(&mut dec, 4, 2).unwrap();
        dec.finish("contexts").unwrap();
        assert_eq!(back.contexts, contexts.contexts);
        assert_eq!(back.tables, contexts.tables);
    }
}
