//! Encoding planes with the trellis quantizer: the scale model and a sample are found once, then
//! the rate and distortion of any step can be estimated from the sample, and the plane encoded.

use super::tile::{TileCoder, TileValues};
use super::viterbi::Quantized;
use crate::entropy::binary::{Encoder, UintModel};
use crate::matrix::MatrixView;
use crate::plane::{EncodedPlane, Preparation, Tiles};
use crate::quant::trellis::Trellis;
use crate::quant::trellis::contexts::{Contexts, Statistics};
use crate::quant::trellis::scale_model::{self, FitOptions, ScaleModel};
use crate::recipe::{PlaneRecipe, Quantizer};
use crate::transform::Transform;
use crate::wire::put_blob;
use crate::{Error, Result, parallel};

/// Values that estimates and context training look at.
const SAMPLE: usize = 1 << 18;
/// Tiles whose statistics make the final contexts; a plane of more uses tiles spread evenly.
const TRAINING_TILES: usize = 16;
/// Gains beyond this many eighths of an octave would leave the range of f32.
pub(crate) const MAX_GAIN: i32 = 512;
/// Index magnitudes stay below this, where f32 multiples of the step are exact.
const MAX_INDEX: f32 = (1 << 23) as f32;

/// Mean magnitude, in steps, below which a class is coded with the zero of Q1.
const QUIET: f64 = 0.6;

/// How hard the trellis search works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrellisSettings {
    /// States of the trellis: 1 (scalar), 4, 8, 16 or 32.
    pub states: usize,
    /// Rounds of re-estimating the contexts on the sample.
    pub passes: usize,
    /// Most classes of the scale model; 1 turns it off.
    pub max_classes: usize,
    /// Lagrangian weight of a bit in units of δ², or `None` for the one that measures best at
    /// the rate in question.
    pub lambda: Option<f32>,
}

impl TrellisSettings {
    /// `states` states, one pass, up to 16 classes.
    pub fn new(states: usize) -> Self {
        TrellisSettings {
            states,
            passes: 1,
            max_classes: 16,
            lambda: None,
        }
    }
}

/// What a step would cost and give, from the sample.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// Bits per weight of symbols, patches left out.
    pub rate: f64,
    /// Mean squared error per weight.
    pub distortion: f64,
}

/// Contexts trained at a step, and what they promise.
pub struct Training {
    contexts: Contexts,
    estimate: Estimate,
}

impl Training {
    /// Rate and distortion on the values trained on.
    pub fn estimate(&self) -> Estimate {
        self.estimate
    }
}

/// A plane analysed for trellis coding.
pub struct TrellisAnalysis<'a> {
    tiles: Tiles<'a>,
    recipe: PlaneRecipe,
    trellis: Trellis,
    settings: TrellisSettings,
    scales: ScaleModel,
    sample: Vec<f32>,
    sample_classes: Vec<u8>,
    max: f32,
    energy: f64,
    lanes: usize,
}

impl<'a> TrellisAnalysis<'a> {
    /// Prepares `matrix` and fits its scale model.
    ///
    /// # Errors
    /// When the trellis does not exist.
    pub fn new(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
    ) -> Result<Self> {
        Self::prepared(matrix, preparation, settings, None)
    }

    /// The same with a gain per row in units of 1/8 octave: the squared error of a row's values
    /// is about 2^(g/4) times that of a row of gain 0.
    ///
    /// # Errors
    /// As [`TrellisAnalysis::new`]; or when the gains are not one per row within ± 512, or the
    /// transform mixes rows, or rows do not fit in tiles.
    pub fn with_gains(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
        gains: Vec<i32>,
    ) -> Result<Self> {
        let mixes = matches!(preparation.transform, Transform::DctCols | Transform::Dct2);
        if gains.len() != matrix.rows() || gains.iter().any(|g| g.abs() > MAX_GAIN) {
            return Err(Error::Encode(
                "row gains must be one per row, within ± 512".into(),
            ));
        }
        if mixes || preparation.whole || matrix.cols() > preparation.tile {
            return Err(Error::Encode("row gains need rows that stay apart".into()));
        }
        Self::prepared(matrix, preparation, settings, Some(gains))
    }

    fn prepared(
        matrix: MatrixView<'a>,
        preparation: Preparation,
        settings: TrellisSettings,
        gains: Option<Vec<i32>>,
    ) -> Result<Self> {
        let trellis = Trellis::new(settings.states)
            .ok_or_else(|| Error::Encode(format!("no trellis of {} states", settings.states)))?;
        // Small planes cannot afford the final states of many lanes.
        let lanes = if matrix.len() >= 1 << 19 { 32 } else { 8 };
        let mut tiles = Tiles::new(matrix, preparation);
        if let Some(gains) = gains {
            tiles.set_gains(gains);
        }
        let recipe = tiles.recipe(Quantizer::Trellis {
            states: settings.states,
            lanes,
        });
        let mut analysis = TrellisAnalysis {
            scales: ScaleModel::flat(recipe.cols),
            tiles,
            recipe,
            trellis,
            settings,
            sample: Vec::new(),
            sample_classes: Vec::new(),
            max: 0.0,
            energy: 0.0,
            lanes,
        };
        analysis.draw_sample();
        Ok(analysis)
    }

    /// The preparation analysed.
    pub fn preparation(&self) -> Preparation {
        self.tiles.preparation()
    }

    /// Number of values of the plane.
    #[allow(clippy::len_without_is_empty, reason = "a plane is never empty")]
    pub fn len(&self) -> usize {
        self.recipe.len()
    }

    /// Mean square of the prepared values, from the sample.
    pub fn energy(&self) -> f64 {
        self.energy
    }

    /// Takes whole tile rows spread evenly over a few tiles spread evenly, and fits the scales.
    fn draw_sample(&mut self) {
        let recipe = self.recipe;
        let count = recipe.tiles();
        let looked_at = count.min(4);
        let loaded = parallel::map(looked_at, |k| {
            let tile = recipe.tile((2 * k + 1) * count / (2 * looked_at));
            (tile, self.tiles.load(&tile))
        });
        let cols = recipe.tile_cols;
        let total_rows: usize = loaded
            .iter()
            .filter(|(t, _)| t.cols == cols)
            .map(|(t, _)| t.rows)
            .sum();
        let stride = (total_rows * cols)
            .div_ceil(SAMPLE)
            .clamp(1, total_rows.max(1));
        let mut sample = Vec::new();
        let mut row_number = 0;
        for (tile, values) in loaded.iter().filter(|(t, _)| t.cols == cols) {
            for row in values.chunks_exact(tile.cols) {
                self.max = row.iter().fold(self.max, |m, v| v.abs().max(m));
                if row_number % stride == 0 {
                    sample.extend_from_slice(row);
                }
                row_number += 1;
            }
        }
        if sample.is_empty() {
            let (_, values) = &loaded[0];
            sample.extend_from_slice(values);
        }
        self.energy =
            sample.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / sample.len() as f64;
        // Columns can be told apart only where tiles span them all.
        if recipe.tile_cols == recipe.cols {
            let n = recipe.len();
            let options = FitOptions {
                max_classes: self.settings.max_classes.min(1 + n / 4096),
                width: 2,
                grain: if n > 1 << 22 { 1 } else { 2 },
            };
            self.scales = scale_model::fit(&sample, recipe.cols, recipe.rows, options);
            let rows = self.scales.row_scales(&sample, recipe.cols, 0);
            scale_model::classes(
                &self.scales.map,
                &rows,
                &self.scales.cols,
                &mut self.sample_classes,
            );
        } else {
            self.sample_classes = vec![0; sample.len()];
        }
        self.sample = sample;
    }

    /// Smallest step at which every sampled index stays in range.
    pub fn min_step(&self) -> f32 {
        (self.max / MAX_INDEX).max(1e-36)
    }

    /// Trains contexts at `step` on up to `limit` values of the sample.
    pub fn train(&self, step: f32, limit: usize) -> Training {
        let cols = self.recipe.tile_cols;
        let rows = self.sample.len() / cols;
        let wanted = (limit / cols).clamp(1, rows.max(1));
        let stride = (rows / wanted).max(1);
        if stride == 1 {
            let tile = TileValues {
                values: &self.sample,
                classes: &self.sample_classes,
            };
            return self.train_on(step, &tile);
        }
        // Every stride-th row of the sample, so that all of it is represented.
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        let sampled = self
            .sample
            .chunks(cols)
            .zip(self.sample_classes.chunks(cols));
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
        )
    }

    fn train_on(&self, step: f32, tile: &TileValues<'_>) -> Training {
        let quantizers = self.trellis.quantizers();
        let coder = self.coder(step);
        let mut contexts = Contexts::from_statistics(&self.first_guess(step, tile), quantizers);
        let mut round = || {
            let quantized = coder.quantize(&contexts.costs(self.lambda(step)), tile);
            let stats = coder.statistics(tile.values, &quantized, contexts.tables.len());
            contexts = Contexts::from_statistics(&stats, quantizers);
            (quantized, stats)
        };
        for _ in 1..self.settings.passes {
            round();
        }
        let (quantized, stats) = round();
        let n = tile.values.len() as f64;
        let error: f64 = coder
            .squared_errors(&contexts, tile.values, &quantized, tile.values.len())
            .iter()
            .sum();
        let estimate = Estimate {
            rate: contexts.bits(&stats) / n,
            distortion: error / n,
        };
        Training { contexts, estimate }
    }

    fn coder(&self, step: f32) -> TileCoder {
        TileCoder {
            trellis: self.trellis,
            lanes: self.lanes,
            step,
        }
    }

    /// λ for a step: the measured best falls with the rate (docs/DESIGN.md).
    fn lambda(&self, step: f32) -> f32 {
        self.settings.lambda.unwrap_or_else(|| {
            let ratio = f64::from(step) / self.energy.sqrt().max(1e-36);
            // 0.4 up to a step of 0.8 standard deviations (1.3 bits), 0.3 from 1.05 on.
            (0.4 - 0.4 * (ratio - 0.8)).clamp(0.3, 0.4) as f32
        })
    }

    /// Statistics of plain rounding to the points of each quantizer.
    ///
    /// The search reinforces what its contexts say, so their start decides which fixed point it
    /// reaches. Above about one bit the better one never uses the zero of Q1 (the unions of
    /// ECTCQ), by 0.01 to 0.02 bit; classes quieter than that must have it.
    fn first_guess(&self, step: f32, tile: &TileValues<'_>) -> Statistics {
        let quantizers = self.trellis.quantizers();
        let classes = self.scales.map.classes;
        let inverse = 1.0 / step;
        let mut sums = vec![(0f64, 0u64); classes];
        for (&v, &class) in tile.values.iter().zip(tile.classes) {
            let (sum, n) = &mut sums[usize::from(class)];
            *sum += f64::from(v.abs() * inverse);
            *n += 1;
        }
        let quiet: Vec<bool> = sums
            .iter()
            .map(|&(sum, n)| sum < QUIET * n as f64)
            .collect();
        let mut stats = Statistics::new(classes * quantizers);
        for (&v, &class) in tile.values.iter().zip(tile.classes) {
            let class = usize::from(class);
            let a = v.abs() * inverse;
            stats.add(class * quantizers, (0.5 * a + 0.5) as usize, 0.0);
            if quantizers > 1 {
                let zero = quiet[class] && a < 0.5;
                let m = if zero { 0 } else { (0.5 * a) as usize + 1 };
                stats.add(class * quantizers + 1, m, 0.0);
            }
        }
        stats
    }

    /// Encodes the plane at `step`, starting from contexts trained at a step near it.
    ///
    /// # Errors
    /// When a value is not finite, or the step is so small that an index would leave the exact
    /// range; code the tensor losslessly then.
    pub fn encode(&self, step: f32, training: &Training) -> Result<EncodedPlane> {
        let recipe = self.recipe;
        if !(step.is_finite() && step > 0.0 && step < f32::MAX / (1 << 26) as f32) {
            return Err(Error::Encode(format!(
                "quantizer step {step} is out of range"
            )));
        }
        let coder = self.coder(step);
        let contexts_count = self.scales.map.classes * self.trellis.quantizers();
        let count = recipe.tiles();
        let training_tiles = count.min(TRAINING_TILES);
        let trained_on = |k: usize| (2 * k + 1) * count / (2 * training_tiles);
        let costs = training.contexts.costs(self.lambda(step));
        let trained = parallel::map(training_tiles, |k| {
            let tile = self.quantized_tile(trained_on(k), coder, &costs)?;
            let stats = coder.statistics(&tile.values, &tile.quantized, contexts_count);
            Ok((tile, stats))
        });
        let trained = trained.into_iter().collect::<Result<Vec<_>>>()?;
        let mut stats = Statistics::new(contexts_count);
        trained.iter().for_each(|(_, s)| stats.merge(s));
        let contexts = Contexts::from_statistics(&stats, self.trellis.quantizers());
        let costs = contexts.costs(self.lambda(step));
        let coded = parallel::map(count, |i| {
            let known = (0..training_tiles).find(|&k| trained_on(k) == i);
            match known {
                Some(k) => Ok(self.code_tile(i, &trained[k].0, coder, &contexts)),
                None => {
                    let tile = self.quantized_tile(i, coder, &costs)?;
                    Ok(self.code_tile(i, &tile, coder, &contexts))
                }
            }
        });
        let coded = coded.into_iter().collect::<Result<Vec<_>>>()?;
        let squared_error = coded.iter().map(|(_, e, _)| e).sum();
        let kept = coded.iter().map(|(.., kept)| kept).sum();
        let mut common = Vec::new();
        self.tiles.write_means(&mut common);
        common.extend_from_slice(&step.to_le_bytes());
        let mut enc = Encoder::new();
        self.scales.map.write(&mut enc, &mut UintModel::new());
        scale_model::write_scales(&mut enc, &self.scales.cols);
        put_blob(&mut common, &enc.finish());
        let mut enc = Encoder::new();
        contexts.write(&mut enc);
        put_blob(&mut common, &enc.finish());
        let tiles = coded.into_iter().map(|(p, ..)| p).collect();
        Ok(EncodedPlane {
            recipe,
            common,
            tiles,
            squared_error,
            kept,
        })
    }

    fn quantized_tile(&self, i: usize, coder: TileCoder, costs: &[f32]) -> Result<QuantizedTile> {
        let tile = self.recipe.tile(i);
        let values = self.tiles.load(&tile);
        let max = self.tiles.largest(&values)?;
        if max / coder.step > MAX_INDEX {
            let step = coder.step;
            return Err(Error::Encode(format!(
                "step {step} is too small for a value of {max}"
            )));
        }
        let rows = self.scales.row_scales(&values, tile.cols, tile.first_col);
        let cols = &self.scales.cols[tile.first_col..tile.first_col + tile.cols];
        let mut classes = Vec::new();
        scale_model::classes(&self.scales.map, &rows, cols, &mut classes);
        let quantized = coder.quantize(
            costs,
            &TileValues {
                values: &values,
                classes: &classes,
            },
        );
        Ok(QuantizedTile {
            values,
            rows,
            quantized,
        })
    }

    /// A tile's payload, squared error and number of indices other than zero.
    fn code_tile(
        &self,
        i: usize,
        tile: &QuantizedTile,
        coder: TileCoder,
        contexts: &Contexts,
    ) -> (Vec<u8>, f64, u64) {
        let shape = self.recipe.tile(i);
        let gains = self.tiles.gains(&shape);
        let errors = coder.squared_errors(contexts, &tile.values, &tile.quantized, shape.cols);
        let error = match gains {
            None => errors.iter().sum(),
            Some(gains) => errors
                .iter()
                .zip(gains)
                .map(|(e, &g)| e * f64::from(scale_model::gain(g)).powi(2))
                .sum(),
        };
        let coded = coder.code(contexts, &tile.quantized);
        let mut enc = Encoder::new();
        scale_model::write_scales(&mut enc, &tile.rows);
        if let Some(gains) = gains {
            scale_model::write_scales(&mut enc, gains);
        }
        let mut payload = Vec::with_capacity(coded.stream.len() + coded.patches.len() + 64);
        put_blob(&mut payload, &enc.finish());
        put_blob(&mut payload, &coded.patches);
        payload.extend(coded.stream);
        let kept = tile.quantized.indices.iter().filter(|&&k| k != 0).count();
        (payload, error, kept as u64)
    }
}

/// A tile between quantization and entropy coding.
struct QuantizedTile {
    values: Vec<f32>,
    rows: Vec<i32>,
    quantized: Quantized,
}
