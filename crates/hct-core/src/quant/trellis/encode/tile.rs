//! Encoding tiles of trellis-quantized values.

use super::search::{self, Quantized};
use super::statistics::Statistics;
use super::syntax::write_patches;
use crate::entropy::freq::{EncoderSymbols, FreqTable};
use crate::entropy::rans::encode::RansEncoder;
use crate::kernels::viterbi::Rates;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::decode::{SYMBOLS, point};
use crate::quant::trellis::machine::{Trellis, multiple};
use crate::wire::{MAX_VARINT, put_blob};

/// A tile's values and their classes.
pub(crate) struct TileValues<'a> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
}

/// Where the lanes of a tile are in the trellis.
pub(crate) struct LaneStates {
    /// Lane of the next value.
    next: usize,
    states: [u8; 32],
}

impl LaneStates {
    /// At the start of a tile.
    pub fn new() -> Self {
        LaneStates {
            next: 0,
            states: [0; 32],
        }
    }

    /// Goes on over `indices`.
    pub fn advance(&mut self, coder: &TileCoder, indices: &[i32]) {
        for k in indices {
            let state = &mut self.states[self.next];
            let odd = (k.unsigned_abs() & 1) as usize;
            *state = coder.trellis.next(usize::from(*state), odd) as u8;
            self.next = (self.next + 1) % coder.lanes;
        }
    }
}

/// The quantizer of a plane at one step.
#[derive(Clone, Copy)]
pub(crate) struct TileCoder {
    pub trellis: Trellis,
    pub lanes: usize,
    pub step: f32,
}

impl TileCoder {
    /// Quantizer of a context.
    fn quantizer(&self, context: u8) -> i32 {
        i32::from(context) % self.trellis.quantizers() as i32
    }

    /// Indices of a tile by Viterbi search under `rates`.
    pub fn quantize(&self, rates: &Rates, tile: &TileValues<'_>) -> Quantized {
        self.quantize_from(rates, tile, &LaneStates::new())
    }

    /// The same of values that follow those which brought the lanes to `states`.
    pub fn quantize_from(
        &self,
        rates: &Rates,
        tile: &TileValues<'_>,
        states: &LaneStates,
    ) -> Quantized {
        match self.lanes {
            8 => self.quantize_lanes::<8>(rates, tile, states),
            _ => self.quantize_lanes::<32>(rates, tile, states),
        }
    }

    fn quantize_lanes<const L: usize>(
        &self,
        rates: &Rates,
        tile: &TileValues<'_>,
        states: &LaneStates,
    ) -> Quantized {
        // Lanes are counted from that of the first value.
        let starts = std::array::from_fn(|l| states.states[(states.next + l) % L]);
        let goal = (1.0 / self.step, rates);
        search::quantize::<L>(self.trellis, goal, tile.values, tile.classes, &starts)
    }

    /// Statistics of a quantized tile, for a plane of `contexts` contexts.
    pub fn statistics(&self, values: &[f32], quantized: &Quantized, contexts: usize) -> Statistics {
        let mut stats = Statistics::new(contexts);
        let inverse = 1.0 / self.step;
        // Odd multiples in contexts of Q1.
        let odd: Vec<f32> = (0..contexts)
            .map(|c| self.quantizer(c as u8) as f32)
            .collect();
        stats.add_all((values, inverse), quantized, &odd);
        stats
    }

    /// Squared errors under the decoder's reproduction points, summed over each line of `line` values
    /// (a row, or a column in column order), each error times the weight of its place in the line
    /// if there are `weights`.
    pub fn squared_errors(
        &self,
        contexts: &Contexts,
        values: &[f32],
        quantized: &Quantized,
        line: usize,
        weights: &[f64],
    ) -> Vec<f64> {
        let points = Points::new(self, contexts);
        let lines = |k: usize| k * line..values.len().min((k + 1) * line);
        let count = values.len().div_ceil(line);
        let mut errors = Vec::with_capacity(count);
        // Some lines at a time: within one each sum waits for the one before.
        while errors.len() < count {
            let first = errors.len();
            match lines(first + ABREAST - 1) {
                last if last.len() == line => {
                    let all = lines(first).start..last.end;
                    let of = (&values[all.clone()], &quantized.indices[all.clone()]);
                    errors.extend(points.errors_abreast(
                        of.0,
                        of.1,
                        &quantized.contexts[all],
                        weights,
                    ));
                }
                _ => {
                    let one = lines(first);
                    let of = (&values[one.clone()], &quantized.indices[one.clone()]);
                    errors.push(points.errors(of.0, of.1, &quantized.contexts[one], weights));
                }
            }
        }
        errors
    }

    /// Entropy-codes a quantized tile.
    pub fn code(&self, contexts: &Contexts, quantized: &Quantized) -> CodedTile {
        match self.lanes {
            8 => self.code_lanes::<8>(contexts, quantized),
            _ => self.code_lanes::<32>(contexts, quantized),
        }
    }

    fn code_lanes<const L: usize>(&self, contexts: &Contexts, quantized: &Quantized) -> CodedTile {
        let max: Vec<u32> = (0..contexts.tables.len())
            .map(|c| contexts.max_magnitude(c) as u32)
            .collect();
        let coders: Vec<EncoderSymbols> = contexts
            .tables
            .iter()
            .map(FreqTable::encoder_symbols)
            .collect();
        let mut patched = Vec::new();
        let pairs = quantized.indices.iter().zip(&quantized.contexts);
        // A byte of symbol and one of context.
        let symbols: Vec<[u8; 2]> = pairs
            .enumerate()
            .map(|(i, (&k, &c))| {
                let m = k.unsigned_abs();
                if m <= max[usize::from(c)] {
                    return [symbol(k), c];
                }
                let kept = contexts.coded_magnitude(usize::from(c), m as usize) as i32;
                let v = multiple(m as i32, self.quantizer(c));
                patched.push((i as u64, i64::from(if k < 0 { -v } else { v })));
                [symbol(if k < 0 { -kept } else { kept }), c]
            })
            .collect();
        let mut rans = RansEncoder::<L>::new(symbols.len());
        let coders = coders.as_flattened();
        rans.put_indexed(&symbols, coders, |_, [symbol, context]| {
            usize::from(context) * SYMBOLS + usize::from(symbol)
        });
        CodedTile {
            stream: rans.finish(),
            patches: write_patches(&patched),
        }
    }
}

/// Symbol of a signed index: 0, 1, −1, 2, −2, … become 0, 1, 2, 3, 4, …
#[inline(always)]
fn symbol(index: i32) -> u8 {
    // Magnitudes with a symbol are at most 127.
    let m = index.unsigned_abs() as u8;
    if index > 0 { 2 * m - 1 } else { 2 * m }
}

/// Reproduction points by context and magnitude, as the decoder will have them.
pub(super) struct Points {
    coder: TileCoder,
    points: Vec<[f32; MAGNITUDES]>,
}

/// Magnitudes with a symbol, and 0.
const MAGNITUDES: usize = 128;
/// Lines whose errors are summed at a time.
const ABREAST: usize = 4;

impl Points {
    pub fn new(coder: &TileCoder, contexts: &Contexts) -> Self {
        let n = contexts.tables.len();
        let mut points = vec![[0f32; MAGNITUDES]; n];
        for (c, points) in points.iter_mut().enumerate() {
            for (m, value) in points.iter_mut().enumerate().skip(1) {
                // Patched values have no shift.
                let coded = m <= contexts.max_magnitude(c);
                let shift = if coded { contexts.shift(c, m) } else { 0.0 };
                *value = point(coder.quantizer(c as u8), m, shift, coder.step);
            }
        }
        Points {
            coder: *coder,
            points,
        }
    }

    #[inline(always)]
    pub fn get(&self, context: u8, m: usize) -> f32 {
        match self.points[usize::from(context)].get(m) {
            Some(&value) => value,
            None => point(self.coder.quantizer(context), m, 0.0, self.coder.step),
        }
    }

    #[inline(always)]
    fn squared_error(&self, value: f32, index: i32, context: u8) -> f64 {
        let point = self.get(context, index.unsigned_abs() as usize);
        let d = f64::from(value.abs()) - f64::from(point);
        d * d
    }

    /// The sum of the squared errors of a line, each times its weight if there are `weights`.
    fn errors(&self, values: &[f32], indices: &[i32], contexts: &[u8], weights: &[f64]) -> f64 {
        let of = values.iter().zip(indices).zip(contexts);
        let errors = of.map(|((&v, &k), &c)| self.squared_error(v, k, c));
        match weights {
            [] => errors.sum::<f64>(),
            weights => errors.zip(weights).map(|(e, w)| e * w).sum(),
        }
    }

    /// The same of [`ABREAST`] lines, one after the other in the slices: the same sums in the same
    /// order.
    fn errors_abreast(
        &self,
        values: &[f32],
        indices: &[i32],
        contexts: &[u8],
        weights: &[f64],
    ) -> [f64; ABREAST] {
        let line = values.len() / ABREAST;
        // The neutral element of f64's sums.
        let mut sums = [-0.0; ABREAST];
        for i in 0..line {
            let weight = weights.get(i);
            for (l, sum) in sums.iter_mut().enumerate() {
                let at = l * line + i;
                let error = self.squared_error(values[at], indices[at], contexts[at]);
                *sum += weight.map_or(error, |w| error * w);
            }
        }
        sums
    }
}

/// The coded symbols of a tile and its patches.
pub(crate) struct CodedTile {
    pub stream: Vec<u8>,
    pub patches: Vec<u8>,
}

impl CodedTile {
    /// The tile's payload, which begins with `scales`; its memory holds nothing else.
    pub fn payload(self, scales: &[u8]) -> Vec<u8> {
        let lengths = 2 * MAX_VARINT;
        let len = lengths + scales.len() + self.patches.len() + self.stream.len();
        let mut payload = Vec::with_capacity(len);
        put_blob(&mut payload, scales);
        put_blob(&mut payload, &self.patches);
        payload.extend(self.stream);
        payload
    }
}
