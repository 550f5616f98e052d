//! Training the contexts of a plane at a step, and what they promise.

use super::analysis::TrellisAnalysis;
use super::distortion::Points;
use super::first_guess::first_guess;
use super::tile::TileValues;
use crate::quant::trellis::contexts::Contexts;

/// What a step would cost and give, from the sample.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// Bits per weight of symbols, and about those of their patches.
    pub rate: f64,
    /// Mean squared error per weight.
    pub distortion: f64,
}

/// Contexts trained at a step, and what they promise.
pub struct Training {
    pub(super) contexts: Contexts,
    estimate: Estimate,
}

impl Training {
    /// Rate and distortion on the values trained on.
    pub fn estimate(&self) -> Estimate {
        self.estimate
    }
}

impl TrellisAnalysis<'_> {
    /// Trains contexts at `step` on up to `limit` values of the sample.
    pub fn train(&self, step: f32, limit: usize) -> Training {
        self.train_from(step, limit, None)
    }

    /// The same from contexts trained at a step near it: one more round of re-estimating them.
    pub fn retrain(&self, training: &Training, step: f32, limit: usize) -> Training {
        self.train_from(step, limit, Some(&training.contexts))
    }

    fn train_from(&self, step: f32, limit: usize, start: Option<&Contexts>) -> Training {
        let cols = self.recipe.tile_cols;
        let rows = self.sample.values.len() / cols;
        let wanted = (limit / cols).clamp(1, rows.max(1));
        let stride = (rows / wanted).max(1);
        if stride == 1 {
            let tile = TileValues {
                values: &self.sample.values,
                classes: &self.classes,
            };
            return self.train_on(step, &tile, start);
        }
        // Every stride-th row of the sample, so that all of it is represented.
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        let sampled = self
            .sample
            .values
            .chunks(cols)
            .zip(self.classes.chunks(cols));
        for (row, class) in sampled.step_by(stride) {
            values.extend_from_slice(row);
            classes.extend_from_slice(class);
        }
        self.train_on(
            step,
            &TileValues {
                values: &values,
                classes: &classes,
            },
            start,
        )
    }

    fn train_on(&self, step: f32, tile: &TileValues<'_>, start: Option<&Contexts>) -> Training {
        let quantizers = self.trellis.quantizers;
        let coder = self.coder(step);
        let mut contexts = match start {
            Some(contexts) => contexts.clone(),
            None => Contexts::from_statistics(
                &first_guess(coder, self.scales.map.classes, tile),
                quantizers,
            ),
        };
        let mut round = || {
            let rates = contexts.rates(self.lambda(step));
            let quantized = coder.quantize(&rates, tile);
            let stats = coder.statistics(tile.values, &quantized, contexts.tables.len());
            contexts = Contexts::from_statistics(&stats, quantizers);
            (quantized, stats)
        };
        for _ in 1..self.settings.passes {
            round();
        }
        let (quantized, stats) = round();
        let n = tile.values.len() as f64;
        let points = Points::new(&coder, &contexts);
        let mut errors = Vec::new();
        let of = (&quantized.indices[..], &quantized.contexts[..]);
        points.squared_errors(tile.values, of, (tile.values.len(), &[]), &mut errors);
        let error: f64 = errors.iter().sum();
        let estimate = Estimate {
            rate: contexts.bits(&stats).total() / n,
            distortion: error / n,
        };
        Training { contexts, estimate }
    }
}
