//! The step that gives a distortion, by estimate.

use hct_core::{Training, TrellisAnalysis};

/// Values that the rate and distortion of a step are estimated from: more for large tensors, of
/// which a second encoding would cost more than a closer estimate.
fn estimate_values(weights: usize) -> usize {
    (weights / 8).clamp(1 << 16, 1 << 18)
}

/// A step expected to give a certain distortion, contexts trained near it, and the rate there.
pub(crate) struct StepGuess {
    pub step: f32,
    pub training: Training,
    pub rate: f64,
}

/// Finds the step at which the estimated mean squared error is `distortion`.
pub(crate) fn step_for(analysis: &TrellisAnalysis<'_>, distortion: f64) -> StepGuess {
    let values = estimate_values(analysis.len());
    // At high rate the error of the trellis is about δ²/3.7.
    let mut step = ((3.7 * distortion).sqrt() as f32).max(analysis.min_step());
    let mut tries = 0;
    loop {
        let training = analysis.train(step, values);
        let estimate = training.estimate();
        let ratio = distortion / estimate.distortion;
        tries += 1;
        // A sample of zeros, or one that the step swallows whole, tells nothing.
        let blind = !(ratio.is_finite() && ratio > 0.0);
        let next = if blind {
            step
        } else {
            (step * (ratio.sqrt() as f32).clamp(0.25, 4.0)).max(analysis.min_step())
        };
        if blind || (ratio - 1.0).abs() < 0.02 || tries == 4 {
            // 6 dB a bit, to correct the rate for what is left of the gap.
            let left = if blind { 0.0 } else { -0.5 * libm::log2(ratio) };
            return StepGuess {
                step: next,
                training,
                rate: (estimate.rate + left).max(0.0),
            };
        }
        step = next;
    }
}
