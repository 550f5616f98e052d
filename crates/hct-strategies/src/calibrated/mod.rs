//! Coding with a calibration: every weight as finely as its errors matter to the outputs.

mod factor;
mod sensitivity;

use std::ops::RangeInclusive;
use std::sync::Arc;

use hct_core::{
    EncodedFragment, ErrorFeedback, FeedbackAnalysis, Result, fold,
};

use crate::calibration::Calibration;
use crate::engine::{Effort, Engine, Quality, in_range, or_lossless};
use crate::target::target_for;
use crate::{Coded, Strategy, StrategyName, TensorView, coding};
use factor::Factored;
use sensitivity::Sensitivity;

/// Codes every matrix that a calibration knows with feedback of errors, in steps that do the same
/// damage everywhere: one constant for the whole model, which is how bits are allocated.
#[derive(Clone)]
pub struct CalibratedEncoder {
    calibration: Arc<dyn Calibration>,
    step: f64,
    effort: Effort,
}

/// The squares of steps, in octaves.
pub(crate) const LIMITS: RangeInclusive<f64> = -80.0..=-1.0;

/// Where to begin looking for the step that takes `bits_per_weight`, in octaves of its square.
pub(crate) fn start(bits_per_weight: f64, weights: u64) -> f64 {
    // A model of 1.3e8 weights has 2.7 bits at a step of 1e-4; damage goes by the sum over weights.
    -26.6 - 2.0 * (bits_per_weight - 2.7) - libm::log2(weights.max(1) as f64 / 1.3e8)
}

/// LAB
pub static LAB: std::sync::Mutex<std::collections::BTreeMap<String, (Vec<f32>, usize, f64)>> = std::sync::Mutex::new(std::collections::BTreeMap::new());
/// What a tensor's coding is predicted to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prediction { pub damage: f64, pub bits: f64 }

impl CalibratedEncoder {
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
}

impl Strategy for CalibratedEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Calibrated.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let statistics = self.calibration.statistics(&tensor.meta.name)?;
        let Some(statistics) = statistics else {
            let engine = Engine { effort: self.effort, ..Engine::default() };
            let quality = Quality::RelMse(1e-4);
            let target = target_for(&tensor.meta.name, quality);
            return coding::code(&engine, tensor, &target, self.name());
        };
        let matrix = tensor.matrix()?;
        let (rows, cols) = (matrix.rows(), matrix.cols());
        debug_assert_eq!(fold(&tensor.meta.shape), Some((rows, cols)));
        statistics.check(rows, cols)?;
        let t0 = std::time::Instant::now();
        let sensitivity = Sensitivity::of(&statistics, rows);
        let factored = Factored::of(&sensitivity);
        let t1 = t0.elapsed();
        let feedback = ErrorFeedback {
            coefficients: &factored.coefficients,
            column_gains: &factored.column_gains,
            row_gains: &factored.row_gains,
        };
        let mut settings = self.effort.settings();
        if let Ok(l) = std::env::var("HCT_LAMBDA") { settings.lambda = l.parse().ok(); }
        if let Ok(l) = std::env::var("HCT_STATES") { settings.states = l.parse().unwrap(); }
        if let Ok(l) = std::env::var("HCT_CLASSES") { settings.max_classes = l.parse().unwrap(); }
        let dtype = tensor.meta.dtype;
        let step = self.step as f32;
        let coded = FeedbackAnalysis::new(matrix, dtype, feedback, settings).and_then(|analysis| {
            let training = analysis.train(step)?;
            let t2 = t0.elapsed();
            let r = analysis.encode(step, &training);
            if let Ok(p) = &r {
                if std::env::var("HCT_V").is_ok() { eprintln!("{} {}x{} bpw {:.3} est {:.3} damage {:.6} est {:.6} mse {:.3e} times {:.2} {:.2} {:.2}", tensor.meta.name, rows, cols,
                   p.plane.payload_bytes() as f64*8.0/(rows*cols) as f64, training.estimate().rate, 0.5*p.damage, 0.5*training.estimate().damage*(rows*cols) as f64, p.plane.squared_error()/(rows*cols) as f64,
                  t1.as_secs_f64(), t2.as_secs_f64(), t0.elapsed().as_secs_f64()); }
            }
            r
        });
        let plane = in_range(coded)?;
        if let Some(p) = &plane { LAB.lock().unwrap().insert(tensor.meta.name.clone(), (p.lab.clone(), p.plane.payload_bytes(), 0.5*p.damage)); }
        let fragments = plane.map(|coded| vec![EncodedFragment::Plane(coded.plane)]);
        Ok(or_lossless(tensor, fragments, None, self.name())?.coded)
    }
}
