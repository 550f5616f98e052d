//! Encoding tiles of trellis-quantized values.

use super::search::{self, Quantized};
use super::statistics::Statistics;
use super::syntax::write_patches;

use crate::entropy::freq::{EncoderSymbols, FreqTable};
use crate::entropy::rans::encode::RansEncoder;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::decode::point;
use crate::quant::trellis::machine::{Trellis, multiple};

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

    /// Indices of a tile by Viterbi search under `costs` (see [`Contexts::costs`]).
    pub fn quantize(&self, costs: &[f32], tile: &TileValues<'_>) -> Quantized {
        self.quantize_from(costs, tile, &LaneStates::new())
    }

    /// The same of values that follow those which brought the lanes to `states`.
    pub fn quantize_from(
        &self,
        costs: &[f32],
        tile: &TileValues<'_>,
        states: &LaneStates,
    ) -> Quantized {
        match self.lanes {
            8 => self.quantize_lanes::<8>(costs, tile, states),
            _ => self.quantize_lanes::<32>(costs, tile, states),
        }
    }

    fn quantize_lanes<const L: usize>(
        &self,
        costs: &[f32],
        tile: &TileValues<'_>,
        states: &LaneStates,
    ) -> Quantized {
        // Lanes are counted from that of the first value.
        let starts = std::array::from_fn(|l| states.states[(states.next + l) % L]);
        let goal = (1.0 / self.step, costs);
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
        for ((&v, &k), &c) in values
            .iter()
            .zip(&quantized.indices)
            .zip(&quantized.contexts)
        {
            let m = k.unsigned_abs();
            // Meaningless for 0, which has no residual.
            let point = (2 * m) as f32 - odd[usize::from(c)];
            stats.add(usize::from(c), m as usize, v.abs() * inverse - point);
        }
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
        let rows = values
            .chunks(line)
            .zip(quantized.indices.chunks(line))
            .zip(quantized.contexts.chunks(line));
        rows.map(|((values, indices), row_contexts)| {
            let errors = values.iter().zip(indices).zip(row_contexts);
            let errors = errors.map(|((&v, &k), &c)| {
                let d = f64::from(v.abs()) - f64::from(points.get(c, k.unsigned_abs() as usize));
                d * d
            });
            match weights {
                [] => errors.sum::<f64>(),
                weights => errors.zip(weights).map(|(e, w)| e * w).sum(),
            }
        })
        .collect()
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
        rans.put_all(&symbols, |_, [symbol, context]| {
            &coders[usize::from(context)][usize::from(symbol)]
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
    points: Vec<f32>,
    max: Vec<usize>,
}

/// Magnitudes with a symbol, and 0.
const MAGNITUDES: usize = 128;

impl Points {
    pub fn new(coder: &TileCoder, contexts: &Contexts) -> Self {
        let n = contexts.tables.len();
        let mut points = vec![0f32; n * MAGNITUDES];
        let max: Vec<usize> = (0..n).map(|c| contexts.max_magnitude(c)).collect();
        for c in 0..n {
            for m in 1..=max[c] {
                points[c * MAGNITUDES + m] = point(
                    coder.quantizer(c as u8),
                    m,
                    contexts.shift(c, m),
                    coder.step,
                );
            }
        }
        Points {
            coder: *coder,
            points,
            max,
        }
    }

    #[inline(always)]
    pub fn get(&self, context: u8, m: usize) -> f32 {
        if m <= self.max[usize::from(context)] {
            self.points[usize::from(context) * MAGNITUDES + m]
        } else {
            // Patched values have no shift.
            point(self.coder.quantizer(context), m, 0.0, self.coder.step)
        }
    }
}

/// The coded symbols of a tile and its patches.
pub(crate) struct CodedTile {
    pub stream: Vec<u8>,
    pub patches: Vec<u8>,
}
