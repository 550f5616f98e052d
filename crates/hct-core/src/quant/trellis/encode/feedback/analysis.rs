//! Analysing a matrix once, and training what depends on the step.

use super::ErrorFeedback;
use super::band::{BandCoder, QuantizedBand, in_exact_range};
use super::rows::Rows;
use crate::kernels::trellis::Machine;
use crate::matrix::MatrixView;
use crate::quant::trellis::classes;
use crate::quant::trellis::columns::transpose;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::encode::analysis::MAX_STEP;
use crate::quant::trellis::encode::first_guess::first_guess;
use crate::quant::trellis::encode::rate::Bits;
use crate::quant::trellis::encode::scales::{self, FitOptions, ScaleModel};
use crate::quant::trellis::encode::settings::TrellisSettings;
use crate::quant::trellis::encode::tile::{TileCoder, TileValues};
use crate::quant::trellis::gains::GainUnit;
use crate::scratch::with_values;
use crate::{Dtype, Error, Result};

/// Values of the next column that are looked at before a column's end is decided: 96 of each lane, several
/// times the memory of the largest trellis.
const LOOKAHEAD: usize = 768;
/// The same in training.
const TRAINING_LOOKAHEAD: usize = 64;
/// Most states in training: what is learnt is the same as with more.
const TRAINING_STATES: usize = 4;
/// Fewest rows of a sample: column scales are learnt from it.
const SAMPLE_ROWS: usize = 128;
/// λ in δ² per bit, unless given.
const LAMBDA: f32 = 0.3;

/// A matrix to be coded with feedback.
pub struct FeedbackAnalysis<'a> {
    pub(super) matrix: MatrixView<'a>,
    pub(super) feedback: ErrorFeedback<'a>,
    pub(super) dtype: Dtype,
    pub(super) trellis: Machine,
    pub(super) settings: TrellisSettings,
    pub(super) sample: Rows,
    /// Log-scales of the sample before any feedback.
    scales: ScaleModel,
}

/// Scales and contexts trained at a step.
pub struct FeedbackTraining {
    pub(super) scales: ScaleModel,
    pub(super) contexts: Contexts,
    pub(super) step: f32,
    /// Log-scales of the rows of the sample.
    pub(super) row_scales: Vec<i32>,
    /// That of the log-frequencies of `contexts`.
    pub(super) precision: i64,
    /// Of the sample.
    pub(super) bits: Bits,
}

impl<'a> FeedbackAnalysis<'a> {
    /// Weights of a sample that is enough to code well.
    pub const SAMPLE: usize = 1 << 18;
    /// Those of one that is enough to tell how large a plane of no more than some millions will be.
    pub const SMALL_SAMPLE: usize = 1 << 16;

    /// Prepares `matrix`, whose decoded values are rounded to `dtype`; about `sample` of its weights, in whole
    /// rows, are coded to learn what all will be like.
    ///
    /// # Errors
    /// When the trellis does not exist, `feedback` does not fit the matrix or a value is not finite.
    pub fn new(
        matrix: MatrixView<'a>,
        dtype: Dtype,
        feedback: ErrorFeedback<'a>,
        settings: TrellisSettings,
        sample: usize,
    ) -> Result<Self> {
        let trellis = Machine::of(settings.states).ok_or_else(|| {
            Error::argument("states", format!("no trellis has {}", settings.states))
        })?;
        let (rows, cols) = (matrix.rows(), matrix.cols());
        if feedback.coefficients.len() != cols * cols {
            return Err(Error::argument("feedback", "must be columns × columns"));
        }
        let ErrorFeedback {
            column_gains,
            row_gains,
            ..
        } = feedback;
        let in_range = |gains: &[i32]| gains.iter().all(|g| g.abs() <= GainUnit::Fine.max());
        let fits = column_gains.len() == cols && (row_gains.is_empty() || row_gains.len() == rows);
        if !fits || !in_range(column_gains) || !in_range(row_gains) {
            let why = "must be one per column and row, within ± 2048";
            return Err(Error::argument("gains", why));
        }
        let count = (sample / cols).max(SAMPLE_ROWS).min(rows);
        let numbers = (0..count).map(|i| (2 * i + 1) * rows / (2 * count));
        let sample = Rows::load(&matrix, &numbers.collect::<Vec<_>>(), &feedback);
        let values = sample.in_steps(column_gains);
        let scales = fit(&values, count, rows, settings);
        Ok(FeedbackAnalysis {
            matrix,
            feedback,
            dtype,
            trellis,
            settings,
            sample,
            scales,
        })
    }

    pub(super) fn coder(&self, step: f32) -> TileCoder {
        self.coder_with(self.trellis, step)
    }

    fn coder_with(&self, trellis: Machine, step: f32) -> TileCoder {
        TileCoder {
            trellis,
            // A lane's run of a column must be long, since nothing that comes later decides on its end.
            lanes: 8,
            step,
        }
    }

    pub(super) fn lambda(&self) -> f32 {
        self.settings.lambda.unwrap_or(LAMBDA)
    }

    /// Trains scales and contexts at `step` on a sample of rows.
    ///
    /// # Errors
    /// When the step is out of range or too small for a value, or feedback leaves the range of f32.
    pub fn train(&self, step: f32) -> Result<FeedbackTraining> {
        check_step(step)?;
        let few = match self.settings.states {
            1 => None,
            _ => Machine::of(TRAINING_STATES),
        };
        let coder = self.coder_with(few.unwrap_or(self.trellis), step);
        let mut scales = self.scales.clone();
        let mut values = self.sample.in_steps(self.feedback.column_gains);
        in_exact_range(&values, step)?;
        let mut trained = None;
        // First with the scales of the weights, then with those of the targets.
        for _ in 0..2 {
            let rows = row_scales(&scales, &values, self.sample.len());
            let of = classes_of(&scales, &rows);
            let tile = TileValues {
                values: &values,
                classes: &of,
            };
            let guess = first_guess(coder, scales.map.classes, &tile);
            let mut contexts = Contexts::from_statistics(&guess, self.trellis.quantizers);
            let mut last = None;
            for _ in 0..self.settings.passes {
                let with = (coder, TRAINING_LOOKAHEAD);
                let band = self.quantize(with, &contexts, &self.sample, &of)?;
                let stats = coder.statistics(&band.targets, &band.quantized, contexts.tables.len());
                contexts = Contexts::from_statistics(&stats, self.trellis.quantizers);
                last = Some((band, stats));
            }
            let Some((band, stats)) = last else { break };
            let bits = contexts.bits(&stats);
            let refitted = fit(
                &band.targets,
                self.sample.len(),
                self.matrix.rows(),
                self.settings,
            );
            values = band.targets;
            trained = Some(FeedbackTraining {
                scales,
                contexts,
                step,
                row_scales: rows,
                precision: stats.precision(),
                bits,
            });
            scales = refitted;
        }
        trained.ok_or_else(|| Error::argument("passes", "must be at least one"))
    }

    /// Quantizes the rows of a tile, whose values have these classes, under `contexts`.
    pub(super) fn quantize_tile(
        &self,
        step: f32,
        contexts: &Contexts,
        rows: &Rows,
        classes: &[u8],
    ) -> Result<QuantizedBand> {
        self.quantize((self.coder(step), LOOKAHEAD), contexts, rows, classes)
    }

    fn quantize(
        &self,
        (coder, lookahead): (TileCoder, usize),
        contexts: &Contexts,
        rows: &Rows,
        classes: &[u8],
    ) -> Result<QuantizedBand> {
        let rates = contexts.rates(self.lambda());
        let band = BandCoder {
            feedback: self.feedback,
            coder,
            contexts,
            rates: &rates,
            // Without a trellis no value depends on another.
            lookahead: if coder.trellis.states > 1 {
                lookahead
            } else {
                0
            },
            dtype: self.dtype,
        };
        band.quantize(rows, classes)
    }
}

/// Log-scales of `n` rows from their values, column by column, in units of the steps.
pub(super) fn row_scales(scales: &ScaleModel, values: &[f32], n: usize) -> Vec<i32> {
    let cols = values.len() / n;
    with_rows(values, n, |rows| scales.row_scales(rows, cols, 0))
}

/// The classes of the values of rows of these log-scales, column by column.
pub(super) fn classes_of(scales: &ScaleModel, rows: &[i32]) -> Vec<u8> {
    let mut of = Vec::new();
    classes::classes(&scales.map, &scales.cols, rows, &mut of);
    of
}

/// Errs for a step that nothing can be coded at; the inverse of any other is finite.
pub(super) fn check_step(step: f32) -> Result<()> {
    if !(f32::MIN_POSITIVE..MAX_STEP).contains(&step) {
        return Err(Error::StepOutOfRange {
            step,
            least: f32::MIN_POSITIVE,
            most: MAX_STEP,
        });
    }
    Ok(())
}

/// Calls `f` with the rows of values that lie column by column, `n` to a column.
fn with_rows<R>(values: &[f32], n: usize, f: impl FnOnce(&[f32]) -> R) -> R {
    with_values(values.len(), |rows| {
        transpose(values, n, rows);
        f(rows)
    })
}

/// The scale model of a plane of `plane_rows` rows from a sample of `n` of them.
fn fit(values: &[f32], n: usize, plane_rows: usize, settings: TrellisSettings) -> ScaleModel {
    let cols = values.len() / n;
    let weights = plane_rows * cols;
    let options = FitOptions {
        max_classes: settings.max_classes.min(1 + weights / 4096),
        width: 2,
        grain: if weights > 1 << 22 { 1 } else { 2 },
    };
    with_rows(values, n, |rows| {
        scales::fit(rows, cols, plane_rows, options)
    })
}
