//! Finding the step that just reaches a quality.

use hct_core::{
    Dtype, EncodedPlane, MatrixView, Moments, Preparation, Result, Training, Transform,
    TrellisAnalysis,
};

use super::Effort;
use super::preparation::{Candidate, candidates};
use super::quality::{Quality, median_excess};

/// Values that the rate and distortion of a step are estimated from: more for large tensors, of
/// which a second encoding would cost more than a closer estimate.
fn estimate_values(weights: usize) -> usize {
    (weights / 8).clamp(1 << 16, 1 << 18)
}
/// The share of the allowed distortion that encodings aim for, against the error of estimates.
const AIM: f64 = 0.9975;
/// Bits per weight below which candidates are compared by encoding them.
const LOW_RATE: f64 = 0.5;
/// Full encodings to try before settling for the best.
const ATTEMPTS: usize = 8;

/// A step expected to give a certain distortion, contexts trained near it, and the rate there.
pub(super) struct StepGuess {
    pub step: f32,
    pub training: Training,
    pub rate: f64,
}

/// Finds the step at which the estimated mean squared error is `distortion`.
pub(super) fn step_for(analysis: &TrellisAnalysis<'_>, distortion: f64) -> StepGuess {
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

/// One tensor's search.
pub(super) struct Search<'a> {
    matrix: MatrixView<'a>,
    dtype: Dtype,
    quality: Quality,
    effort: Effort,
    /// Column means, to judge an embedding's rows by what makes them different.
    center: Option<Vec<f32>>,
    moments: Moments,
}

impl<'a> Search<'a> {
    pub fn new(
        matrix: MatrixView<'a>,
        dtype: Dtype,
        quality: Quality,
        effort: Effort,
        embedding: bool,
    ) -> Self {
        let moments = matrix.moments();
        let by_row = embedding && matches!(quality, Quality::Cosine(_));
        let center = by_row.then(|| moments.means.iter().map(|&m| m as f32).collect::<Vec<_>>());
        Search {
            matrix,
            dtype,
            quality,
            effort,
            center,
            moments,
        }
    }

    /// The smallest plane found that reaches the quality, or none when nothing does (or the
    /// tensor is all zeros, for which lossless coding is best anyway).
    pub fn run(&self) -> Result<Option<EncodedPlane>> {
        let distortion = self.quality.rel_mse() * self.moments.energy;
        if !(distortion > 0.0 && distortion.is_finite()) {
            return Ok(None);
        }
        let mut found = candidates(self.matrix, &self.moments, distortion, self.effort)?;
        if found[0].rate < LOW_RATE {
            return self.smallest(&found, distortion);
        }
        let first = found.swap_remove(0).analysis;
        if let Some(center) = &self.center
            && matches!(
                first.preparation().transform,
                Transform::None | Transform::DctRows
            )
        {
            return self.with_row_floor(first.preparation(), center, distortion);
        }
        self.reach(&first, distortion)
    }

    /// Encodes every candidate: at rates so low, the side information that estimates leave out
    /// decides.
    fn smallest(&self, found: &[Candidate<'_>], distortion: f64) -> Result<Option<EncodedPlane>> {
        let mut best: Option<EncodedPlane> = None;
        for candidate in found {
            let plane = self.reach(&candidate.analysis, distortion)?;
            best = match (best, plane) {
                (Some(a), Some(b)) if a.payload_bytes() <= b.payload_bytes() => Some(a),
                (a, b) => b.or(a),
            };
        }
        Ok(best)
    }

    /// Encodes until the quality is reached and not overshot by much.
    fn reach(
        &self,
        analysis: &TrellisAnalysis<'_>,
        distortion: f64,
    ) -> Result<Option<EncodedPlane>> {
        let guess = step_for(analysis, AIM * distortion);
        // A result this close below what is allowed is good enough: 0.6 % is 0.004 bit.
        let close = if self.effort == Effort::Max {
            0.999
        } else {
            0.994
        };
        let mut step = guess.step;
        // A transform along columns puts most of the energy into a few rows, which estimates may
        // miss.
        let training = match analysis.preparation().transform {
            Transform::None | Transform::DctRows => guess.training,
            Transform::DctCols | Transform::Dct2 => analysis.train(step, usize::MAX),
        };
        let mut best: Option<EncodedPlane> = None;
        // Steps known to reach the quality and to miss it.
        let (mut reaches, mut misses) = (0f32, f32::INFINITY);
        for _ in 0..ATTEMPTS {
            let plane = match analysis.encode(step, &training) {
                Ok(plane) => plane,
                Err(_) => break,
            };
            let excess = self.excess(&plane)?;
            if excess <= 1.0 {
                reaches = reaches.max(step);
                if best
                    .as_ref()
                    .is_none_or(|b| plane.payload_bytes() <= b.payload_bytes())
                {
                    best = Some(plane);
                }
                if excess >= close {
                    break;
                }
            } else {
                misses = misses.min(step);
            }
            let aim = (0.5 + 0.5 * close) / excess.max(1e-9);
            let mut next = step * (aim.sqrt() as f32).clamp(0.1, 8.0);
            // Where that leaves the bracket, split it.
            if next <= reaches || next >= misses {
                next = match (reaches > 0.0, misses.is_finite()) {
                    (true, true) => (reaches * misses).sqrt(),
                    (true, false) => 2.0 * reaches,
                    _ => 0.9 * misses,
                };
            }
            next = next.max(analysis.min_step());
            if next == step || (best.is_some() && misses / reaches < 1.0005) {
                break;
            }
            step = next;
        }
        Ok(best)
    }

    /// How far the plane's distortion is above what the quality allows, at most 1 if it is not.
    fn excess(&self, plane: &EncodedPlane) -> Result<f64> {
        let comparison = plane.compare(self.matrix, self.dtype, self.center.as_deref())?;
        let mut excess = self.quality.excess(&comparison.total());
        if self.center.is_some() {
            excess = excess.max(median_excess(self.quality, &comparison.centered));
        }
        Ok(excess)
    }

    /// Reverse water-filling under a cap per row: half of the rows, the louder ones, must each
    /// reach the quality. Rows at the water level do unless they are quieter than the average;
    /// those get finer steps, which costs far less than lowering the level for all.
    fn with_row_floor(
        &self,
        preparation: Preparation,
        center: &[f32],
        distortion: f64,
    ) -> Result<Option<EncodedPlane>> {
        let energies = self.matrix.row_energies(center);
        let mut sorted = energies.clone();
        // One row in a hundred more than half, against rounding.
        let rank = energies.len() * 49 / 100;
        let (_, &mut median, _) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
        let cap = |e: f64| match e >= median {
            true => 0.99 * self.quality.rel_mse() * e,
            false => f64::INFINITY,
        };
        let level = water_level(&energies, cap, distortion);
        let gains: Vec<i32> = energies
            .iter()
            .map(|&e| ((4.0 * libm::log2(cap(e) / level)).floor() as i32).clamp(-64, 0))
            .collect();
        if gains.iter().all(|&g| g == 0) {
            let analysis = TrellisAnalysis::new(self.matrix, preparation, self.effort.settings())?;
            return self.reach(&analysis, distortion);
        }
        let analysis =
            TrellisAnalysis::with_gains(self.matrix, preparation, self.effort.settings(), gains)?;
        self.reach(&analysis, level)
    }
}

/// The level D at which the mean of min(D, cap) over the rows is `distortion`, or the largest cap.
fn water_level(energies: &[f64], cap: impl Fn(f64) -> f64, distortion: f64) -> f64 {
    let mean = |level: f64| {
        energies.iter().map(|&e| cap(e).min(level)).sum::<f64>() / energies.len() as f64
    };
    let (mut low, mut high) = (distortion, 64.0 * distortion);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if mean(middle) > distortion {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_water_level_makes_up_for_capped_rows() {
        let energies = [1.0, 1.0, 4.0, 4.0];
        let level = water_level(
            &energies,
            |e| if e < 2.0 { 0.1 } else { f64::INFINITY },
            0.2,
        );
        assert!((level - 0.3).abs() < 1e-9);
        assert!((water_level(&energies, |_| f64::INFINITY, 0.2) - 0.2).abs() < 1e-9);
    }
}
