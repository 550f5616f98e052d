//! Static entropy-coding contexts of a trellis plane: for each class and quantizer a symmetric
//! distribution of index magnitudes and the shifts of its reproduction points to centroids.
//!
//! Distributions are stored as quantized logarithms predicted from the neighbouring class, since
//! a context of a small tensor sees too few samples to pay for exact frequencies.

use super::classes::MAX_CLASSES;
use crate::entropy::binary::{Decoder, UintModel};
use crate::entropy::freq::FreqTable;
use crate::{Error, Result};

/// Largest index magnitude with a symbol of its own; larger ones are patched.
pub(crate) const MAX_MAGNITUDE: usize = 127;
/// Magnitudes 1, 2 and ≥ 3 have reproduction shifts of their own.
pub(crate) const SHIFTS: usize = 3;
/// Shifts are in units of δ/32 and lie within ±64.
pub(crate) const SHIFT_UNIT: f32 = 1.0 / 32.0;
pub(super) const MAX_SHIFT: i64 = 64;
/// Log-frequencies span this many octaves below the largest.
pub(super) const OCTAVES: i64 = 16;

/// round(2¹⁵·2^(j/16)).
const EXP2_16: [u64; 16] = [
    32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376, 46341, 48393, 50535, 52773, 55109,
    57549, 60097, 62757,
];

/// One context: log-frequencies of magnitudes 0..=max and reproduction shifts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// In units of 1/precision octave, 0 for the smallest; empty magnitudes hold 0.
    pub logs: Vec<i64>,
    pub shifts: [i64; SHIFTS],
}

/// The contexts of a plane, `class * quantizers + quantizer`.
#[derive(Clone, Debug)]
pub(crate) struct Contexts {
    pub(super) contexts: Vec<Context>,
    pub tables: Vec<FreqTable>,
}

impl Contexts {
    /// Contexts and the tables that follow from them; `precision` is the steps of the
    /// log-frequencies per octave: 4, 8 or 16.
    pub(super) fn build(precision: i64, contexts: Vec<Context>) -> Self {
        let tables = contexts.iter().map(|c| table(&c.logs, precision)).collect();
        Contexts { contexts, tables }
    }

    /// Largest magnitude that `context` has a symbol for.
    #[inline(always)]
    pub fn max_magnitude(&self, context: usize) -> usize {
        self.contexts[context].logs.len() - 1
    }

    /// Whether every parity has a symbol in `context`, so that any index can be coded.
    fn codes_both_parities(logs: &[i64]) -> bool {
        logs.len() >= 2
    }

    /// Shift of magnitude `m` ≥ 1 in units of δ.
    pub fn shift(&self, context: usize, m: usize) -> f32 {
        self.contexts[context].shifts[m.min(SHIFTS) - 1] as f32 * SHIFT_UNIT
    }

    /// Reads the contexts of `classes` classes.
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
        Ok(Self::build(precision, contexts))
    }
}

/// Adaptive models of the stored fields.
pub(super) struct Models {
    pub precision: UintModel,
    pub max: UintModel,
    pub logs: Vec<UintModel>,
    pub shifts: Vec<UintModel>,
}

impl Models {
    pub fn new() -> Self {
        Models {
            precision: UintModel::new(),
            max: UintModel::new(),
            logs: vec![UintModel::new(); 8],
            shifts: vec![UintModel::new(); SHIFTS],
        }
    }
}

/// Prediction of log-frequency `j` from those before it and from the context before.
pub(super) fn predict(logs: &[i64], before: Option<&Context>, j: usize, precision: i64) -> i64 {
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
