//! Encoding tiles of trellis-quantized values.

use super::contexts::{Contexts, Statistics, symbol};
use super::decode::point;
use super::viterbi::{self, Quantized, Search};
use super::{Trellis, multiple};
use crate::entropy::binary::{Encoder, UintModel};
use crate::entropy::rans::RansEncoder;

/// A tile's values and their classes.
pub(crate) struct TileValues<'a> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
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
        let search = Search {
            inv_step: 1.0 / self.step,
            costs,
        };
        match self.lanes {
            8 => viterbi::quantize::<8>(self.trellis, &search, tile.values, tile.classes),
            _ => viterbi::quantize::<32>(self.trellis, &search, tile.values, tile.classes),
        }
    }

    /// Statistics of a quantized tile, for a plane of `contexts` contexts.
    pub fn statistics(&self, values: &[f32], quantized: &Quantized, contexts: usize) -> Statistics {
        let mut stats = Statistics::new(contexts);
        let inverse = 1.0 / self.step;
        for ((&v, &k), &c) in values
            .iter()
            .zip(&quantized.indices)
            .zip(&quantized.contexts)
        {
            let m = k.abs();
            let residual = v.abs() * inverse - multiple(m, self.quantizer(c)) as f32;
            stats.add(usize::from(c), m as usize, residual);
        }
        stats
    }

    /// Squared errors under the decoder's reproduction points, summed over each run of `row`
    /// values.
    pub fn squared_errors(
        &self,
        contexts: &Contexts,
        values: &[f32],
        quantized: &Quantized,
        row: usize,
    ) -> Vec<f64> {
        let points = Points::new(self, contexts);
        let rows = values
            .chunks(row)
            .zip(quantized.indices.chunks(row))
            .zip(quantized.contexts.chunks(row));
        rows.map(|((values, indices), row_contexts)| {
            let mut sum = 0f64;
            for ((&v, &k), &c) in values.iter().zip(indices).zip(row_contexts) {
                let d = f64::from(v.abs()) - f64::from(points.get(c, k.unsigned_abs() as usize));
                sum += d * d;
            }
            sum
        })
        .collect()
    }

    /// Entropy-codes a quantized tile.
    pub fn code(&self, contexts: &Contexts, quantized: &Quantized) -> CodedTile {
        let mut patched = Vec::new();
        let mut symbols = vec![0u8; quantized.indices.len()];
        let coded = quantized
            .indices
            .iter()
            .zip(&quantized.contexts)
            .zip(&mut symbols);
        for (i, ((&k, &c), s)) in coded.enumerate() {
            let m = k.unsigned_abs() as usize;
            let max = contexts.max_magnitude(usize::from(c));
            let mut k_coded = k;
            if m > max {
                let kept = contexts.coded_magnitude(usize::from(c), m) as i32;
                k_coded = if k < 0 { -kept } else { kept };
                let v = multiple(m as i32, self.quantizer(c));
                patched.push((i as u64, i64::from(if k < 0 { -v } else { v })));
            }
            *s = symbol(k_coded) as u8;
        }
        let mut rans = RansEncoder::new(self.lanes, symbols.len() / 4);
        for (i, (&s, &c)) in symbols.iter().zip(&quantized.contexts).enumerate().rev() {
            rans.put(
                i % self.lanes,
                contexts.tables[usize::from(c)].get(usize::from(s)),
            );
        }
        CodedTile {
            stream: rans.finish(),
            patches: code_patches(&patched),
        }
    }
}

/// Reproduction points by context and magnitude, as the decoder will have them.
struct Points {
    coder: TileCoder,
    points: Vec<f32>,
    max: Vec<usize>,
}

/// Magnitudes with a symbol, and 0.
const MAGNITUDES: usize = 128;

impl Points {
    fn new(coder: &TileCoder, contexts: &Contexts) -> Self {
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
    fn get(&self, context: u8, m: usize) -> f32 {
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

fn code_patches(patched: &[(u64, i64)]) -> Vec<u8> {
    let mut enc = Encoder::new();
    let (mut count, mut gap, mut value) = (UintModel::new(), UintModel::new(), UintModel::new());
    count.encode(&mut enc, patched.len() as u64);
    let mut next = 0;
    for &(i, v) in patched {
        gap.encode(&mut enc, i - next);
        value.encode_signed(&mut enc, v);
        next = i + 1;
    }
    enc.finish()
}
