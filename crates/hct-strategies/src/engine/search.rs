//! Finding the step that just reaches a quality.

use hct_core::{
    EncodedPlane, Gains, MatrixView, Moments, Preparation, Result, Transform, TrellisAnalysis,
};

use super::effort::Effort;
use super::goal::Goal;
use super::preparation::{Candidate, candidates};
use super::step::{StepGuess, step_for};

/// The share of the allowed distortion that encodings aim for, against the error of estimates.
const AIM: f64 = 0.9975;
/// Bits per weight below which candidates are compared by encoding them.
const LOW_RATE: f64 = 0.5;
/// Full encodings to try before settling for the best if its step is near one that fails, and half
/// of those to try at all.
const ATTEMPTS: usize = 8;
/// How near.
const NEAR: f32 = 1.02;

/// One tensor's search.
pub(super) struct Search<'a> {
    pub goal: &'a Goal<'a>,
    pub effort: Effort,
    /// The sum of what is coded already.
    pub sum: Option<&'a [f32]>,
    /// What it leaves: the original where there is none.
    pub values: MatrixView<'a>,
    /// Moments of `values`.
    pub moments: &'a Moments,
}

impl Search<'_> {
    /// A plane whose mean squared error is about `distortion`, unverified.
    pub fn near(&self, distortion: f64) -> Result<Option<EncodedPlane>> {
        if !(distortion > 0.0 && distortion.is_finite()) {
            return Ok(None);
        }
        let mut found = candidates(self.values, self.moments, distortion, self.effort)?;
        let (analysis, guess) = found.swap_remove(0).with_step(distortion);
        in_range(analysis.encode(guess.step, &guess.training))
    }

    /// The smallest plane found that reaches the quality, or none when nothing does (or the
    /// tensor is all zeros, for which lossless coding is best anyway).
    pub fn run(&self) -> Result<Option<EncodedPlane>> {
        let distortion = self.goal.distortion();
        if !(distortion > 0.0 && distortion.is_finite()) {
            return Ok(None);
        }
        let aim = AIM * distortion;
        let mut found = candidates(self.values, self.moments, aim, self.effort)?;
        if found[0].rate() < LOW_RATE {
            return self.smallest(found, aim);
        }
        let first = found.swap_remove(0);
        let how = first.analysis.preparation();
        if let Some(center) = &self.goal.center
            && matches!(how.transform, Transform::None | Transform::DctRows)
        {
            // Coarse targets are reached by nothing that is just coarse enough on average.
            for finer in [1.0, 0.7, 0.4, 0.1] {
                let goal = finer * distortion;
                let found = self.with_row_floors(how, center, goal)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            return Ok(None);
        }
        let (analysis, guess) = first.with_step(aim);
        self.reach(&analysis, guess)
    }

    /// Encodes every candidate: at rates so low, the side information that estimates leave out
    /// decides.
    fn smallest(&self, found: Vec<Candidate<'_>>, aim: f64) -> Result<Option<EncodedPlane>> {
        let mut best: Option<EncodedPlane> = None;
        for candidate in found {
            let (analysis, guess) = candidate.with_step(aim);
            let plane = self.reach(&analysis, guess)?;
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
        guess: StepGuess,
    ) -> Result<Option<EncodedPlane>> {
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
            _ => analysis.train(step, usize::MAX),
        };
        let mut best: Option<EncodedPlane> = None;
        // Steps known to reach the quality and to miss it.
        let (mut reaches, mut misses) = (0f32, f32::INFINITY);
        let mut missed = 0;
        for attempt in 0..2 * ATTEMPTS {
            // Nearly there is good enough after a while.
            if attempt >= ATTEMPTS && misses / reaches < NEAR {
                break;
            }
            let coded = self.goal.encode(analysis, step, &training, self.sum);
            let Some((plane, excess)) = in_range(coded)? else {
                break;
            };
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
                missed += 1;
            }
            let aim = (0.5 + 0.5 * close) / excess.max(1e-9);
            let mut factor = aim.sqrt() as f32;
            // At next to no rate, distortion hardly depends on the step: take longer strides.
            if best.is_none() && missed > 3 {
                factor = factor.powi(1 << (missed - 3));
            }
            let mut next = step * factor.clamp(0.1, 8.0);
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

    /// Reverse water-filling under a cap per row: of the rows that a floor counts, the louder
    /// ones, each must reach its quality. Rows at the water level do unless they are quieter than
    /// the average; those get finer steps, which costs far less than lowering the level for all.
    fn with_row_floors(
        &self,
        preparation: Preparation,
        center: &[f32],
        distortion: f64,
    ) -> Result<Option<EncodedPlane>> {
        let energies = self.goal.original.row_energies(center);
        let mut caps = vec![f64::INFINITY; energies.len()];
        for floor in &self.goal.target.floors {
            let mut sorted = energies.clone();
            let exempt = floor.exempt(energies.len());
            let (_, &mut least, _) = sorted.select_nth_unstable_by(exempt, f64::total_cmp);
            for (cap, &e) in caps.iter_mut().zip(&energies) {
                if e >= least {
                    *cap = cap.min(0.99 * floor.quality.rel_mse() * e);
                }
            }
        }
        let level = water_level(&caps, distortion);
        let gains: Vec<i32> = caps
            .iter()
            .map(|&cap| ((4.0 * libm::log2(cap / level)).floor() as i32).clamp(-64, 0))
            .collect();
        // Gains need rows that fit into a tile.
        if gains.iter().all(|&g| g == 0) || self.values.cols() > preparation.tile {
            let analysis = TrellisAnalysis::new(self.values, preparation, self.effort.settings())?;
            let guess = step_for(&analysis, AIM * distortion);
            return self.reach(&analysis, guess);
        }
        let analysis = TrellisAnalysis::with_gains(
            self.values,
            preparation,
            self.effort.settings(),
            Gains::of_rows(gains),
        )?;
        let guess = step_for(&analysis, AIM * level);
        self.reach(&analysis, guess)
    }
}

/// The plane, or none where its values or its step are out of range.
pub(crate) fn in_range<T>(coded: Result<T>) -> Result<Option<T>> {
    match coded {
        Ok(coded) => Ok(Some(coded)),
        Err(error) if error.is_out_of_range() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The level D at which the mean of min(D, cap) over the rows is `distortion`, or the largest cap.
fn water_level(caps: &[f64], distortion: f64) -> f64 {
    let mean = |level: f64| caps.iter().map(|&cap| cap.min(level)).sum::<f64>() / caps.len() as f64;
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
        let infinity = f64::INFINITY;
        let level = water_level(&[0.1, 0.1, infinity, infinity], 0.2);
        assert!((level - 0.3).abs() < 1e-9);
        assert!((water_level(&[infinity; 4], 0.2) - 0.2).abs() < 1e-9);
    }
}
