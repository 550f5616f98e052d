//! The step that gives a distortion, by estimate.

use hct_core::{Training, TrellisAnalysis};

/// Values that the first estimates look at, which but come near.
const FIRST: usize = 1 << 15;
/// Estimates this near are followed by one that looks at more.
const NEAR: f64 = 0.1;
/// Estimates this near are good enough: what is left is corrected by a rule.
const CLOSE: f64 = 0.03;
/// First estimates, so that the contexts settle: each round of re-estimating them gives the zeros a
/// little more, and what one round promises is 0.5 % less distortion than what the next one gives.
const ROUNDS: usize = 2;
/// Estimates at most.
const ATTEMPTS: usize = 6;

/// Values that the last estimate looks at: as many as the sample has of large tensors, of which a
/// second encoding would cost more than a closer estimate.
fn last_values(weights: usize) -> usize {
    (weights / 4).clamp(1 << 16, 1 << 18)
}

/// A step expected to give a certain distortion, contexts trained near it, and the rate there.
pub(crate) struct StepGuess {
    pub step: f32,
    pub training: Training,
    pub rate: f64,
}

/// Finds the step at which the estimated mean squared error is `distortion`.
pub(crate) fn step_for(analysis: &TrellisAnalysis<'_>, distortion: f64) -> StepGuess {
    // At high rate the error of the trellis is about δ²/3.7.
    let mut step = ((3.7 * distortion).sqrt() as f32).max(analysis.min_step());
    let last = last_values(analysis.len());
    let mut limit = FIRST;
    let mut training = analysis.train(step, limit);
    let mut tries = 1;
    loop {
        let estimate = training.estimate();
        let ratio = distortion / estimate.distortion;
        // A sample of zeros, or one that the step swallows whole, tells nothing.
        let blind = !(ratio.is_finite() && ratio > 0.0);
        if !blind {
            step = (step * (ratio.sqrt() as f32).clamp(0.25, 4.0)).max(analysis.min_step());
        }
        let miss = (ratio - 1.0).abs();
        if blind || (limit == last && miss < CLOSE) || tries == ATTEMPTS {
            // 6 dB a bit, to correct the rate for what is left of the gap.
            let left = if blind { 0.0 } else { -0.5 * libm::log2(ratio) };
            return StepGuess {
                step,
                training,
                rate: (estimate.rate + left).max(0.0),
            };
        }
        if (miss < NEAR && tries >= ROUNDS) || tries + 2 >= ATTEMPTS {
            limit = last;
        }
        // Contexts that the one before trained: what the search does under them is what it does
        // when all is encoded.
        training = analysis.retrain(&training, step, limit);
        tries += 1;
    }
}
