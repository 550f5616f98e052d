//! Coding with a calibration: every weight as finely as its errors matter to the outputs.

mod factor;
mod quadratic_form;
mod sensitivity;

use std::ops::RangeInclusive;
use std::sync::Arc;

use hct_core::{EncodedFragment, ErrorFeedback, FeedbackAnalysis, FeedbackPlane, Result};

use crate::calibration::{Calibration, TensorStatistics};
use crate::engine::{Effort, Engine, Quality, in_range, or_lossless};
use crate::target::target_for;
use crate::{Coded, Strategy, StrategyName, TensorView, coding};
use factor::Factor;
use sensitivity::Sensitivity;

/// The squares of steps, in octaves.
pub(crate) const LIMITS: RangeInclusive<f64> = -80.0..=-1.0;
/// Relative mean squared error of matrices that a calibration has nothing of: they are few and
/// small as a rule, such as position embeddings, and nothing tells how much they matter.
const UNKNOWN: f64 = 1e-3;

/// States of the trellis at default effort: twice those of other strategies, since the search is less of the work
/// here.
const STATES: usize = 128;

/// One in so many rows tells how large a tensor will be: those of an embedding differ widely.
const ESTIMATED_SHARE: usize = 16;
/// But no more weights than these, which are coded at once.
const ESTIMATED_MOST: usize = 1 << 21;

/// Where to begin looking for the step that takes `bits_per_weight`, in octaves of its square.
pub(crate) fn start(bits_per_weight: f64, weights: u64) -> f64 {
    // A model of 1.3e8 weights takes about 2.9 bits at a step of 1e-4. Damage is a sum over weights, so
    // that at equal damage the square of the step goes by one over their number.
    -26.6 - 2.0 * (bits_per_weight - 2.9) - libm::log2(weights.max(1) as f64 / 1.3e8)
}

/// Codes every matrix that a calibration knows with feedback of errors, in steps that do the same
/// damage everywhere: one constant for the whole model, which is how bits are allocated. Others are
/// coded as `rdo` does, finely.
///
/// With H the second moments of a matrix's inputs, weighted half and half with how much the outputs
/// matter (see [`TensorStatistics`]), an error Δ of the weights does the damage
/// ½ Σ_r ω_r Δ_r H Δ_rᵀ. Its columns are coded in turn and make up for the errors of those before
/// them (GPTQ, LDLQ); steps are inverse to the diagonal of the triangular factor of H (WaterSIC)
/// and to √ω_r, so that each weight's error costs the same.
///
/// Sources: Frantar et al. 2022 (GPTQ); Chee et al. 2023 (LDLQ); WaterSIC, arXiv 2603.04956; CERWU,
/// arXiv 2505.18758 (rate in the search); Fisher information as in YAQA, arXiv 2505.22988.
#[derive(Clone)]
pub struct CalibratedEncoder {
    calibration: Arc<dyn Calibration>,
    step: f64,
    effort: Effort,
}

impl CalibratedEncoder {
    /// Codes with the step `step`, in (0, 1): its square is twice the damage, in nats of KL
    /// divergence for a language model, that an error of one step does in any weight.
    pub fn new(calibration: Arc<dyn Calibration>, step: f64) -> Self {
        CalibratedEncoder {
            calibration,
            step,
            effort: Effort::Default,
        }
    }

    /// Looks harder, or less hard.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// About how many bytes a tensor takes, by a part of its rows: in a fraction of the time that coding it
    /// takes. `None` where that is what tells: the calibration has nothing of it, or a step leaves the exact
    /// range.
    ///
    /// # Errors
    /// As [`Strategy::encode`].
    pub fn estimated_bytes(&self, tensor: TensorView<'_>) -> Result<Option<u64>> {
        let Some(statistics) = self.calibration.statistics(&tensor.meta.name)? else {
            return Ok(None);
        };
        let step = self.step as f32;
        let elements = tensor.meta.shape.iter().product::<u64>() as usize;
        let share = (elements / ESTIMATED_SHARE).min(ESTIMATED_MOST);
        let sample = FeedbackAnalysis::SMALL_SAMPLE.max(share);
        self.analysed(tensor, &statistics, sample, |a| {
            Ok(a.estimated_bytes(&a.train(step)?) as u64)
        })
    }

    /// The plane of a matrix with these statistics; none where a step would leave the exact range.
    fn plane(
        &self,
        tensor: TensorView<'_>,
        statistics: &TensorStatistics,
    ) -> Result<Option<FeedbackPlane>> {
        let step = self.step as f32;
        self.analysed(tensor, statistics, FeedbackAnalysis::SAMPLE, |a| {
            a.encode(step, &a.train(step)?)
        })
    }

    /// What `f` makes of a matrix with these statistics; none where a step would leave the exact range.
    fn analysed<T>(
        &self,
        tensor: TensorView<'_>,
        statistics: &TensorStatistics,
        sample: usize,
        f: impl FnOnce(FeedbackAnalysis<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let matrix = tensor.matrix()?;
        statistics.check(matrix.rows(), matrix.cols())?;
        let factor = Factor::of(&Sensitivity::of(statistics));
        let feedback = ErrorFeedback {
            coefficients: &factor.coefficients,
            column_gains: &factor.column_gains,
            row_gains: &factor.row_gains,
        };
        let dtype = tensor.meta.dtype;
        let mut settings = self.effort.settings();
        if self.effort == Effort::Default {
            settings.states = STATES;
        }
        in_range(FeedbackAnalysis::new(matrix, dtype, feedback, settings, sample).and_then(f))
    }
}

impl Strategy for CalibratedEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Calibrated.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let Some(statistics) = self.calibration.statistics(&tensor.meta.name)? else {
            let engine = Engine {
                effort: self.effort,
                ..Engine::default()
            };
            let target = target_for(&tensor.meta.name, Quality::RelMse(UNKNOWN));
            return coding::code(&engine, tensor, &target, "calibrated: unknown, rdo");
        };
        let plane = self.plane(tensor, &statistics)?;
        let predicted = plane.as_ref().map(|coded| 0.5 * coded.damage);
        let fragments = plane.map(|coded| vec![EncodedFragment::Plane(coded.plane)]);
        let mut coded = or_lossless(tensor, fragments, None, self.name())?.coded;
        // Where lossless coding was smaller the label says so, and nothing is lost.
        coded.damage = predicted
            .filter(|_| coded.label == self.name())
            .or(Some(0.0));
        Ok(coded)
    }
}
