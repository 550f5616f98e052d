//! Choosing a transform by measurement.

use hct_core::{
    DEFAULT_TILE, MatrixView, Moments, Preparation, Result, Transform, TrellisAnalysis, coding_gain,
};

use super::effort::Effort;
use super::step::{StepGuess, step_for};

/// A preparation must promise this many bits per weight to be measured at all.
const WORTH_MEASURING: f64 = 0.01;
/// A transform must save this share of the rate to be used: it makes decoding several times
/// slower.
const WORTH_USING: f64 = 0.005;

/// A preparation, analysed.
pub(super) struct Candidate<'a> {
    pub analysis: TrellisAnalysis<'a>,
    /// The step, where there was something to compare with.
    guess: Option<StepGuess>,
    /// Estimated bits per weight by which it was compared.
    rate: f64,
}

impl<'a> Candidate<'a> {
    /// What it was compared by, infinite where there was nothing to compare with.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The analysis, and the step of the mean squared error `distortion` that it was compared at.
    pub fn with_step(self, distortion: f64) -> (TrellisAnalysis<'a>, StepGuess) {
        let guess = self.guess;
        let guess = guess.unwrap_or_else(|| step_for(&self.analysis, distortion));
        (self.analysis, guess)
    }
}

/// Ways to prepare `matrix`, the best at mean squared error `distortion` first.
///
/// A transform is tried when the spectrum of sampled rows or columns promises a gain, means when
/// they hold enough energy; [`Effort::Max`] tries everything. What is tried is measured with the
/// quantizer itself.
pub(super) fn candidates<'a>(
    matrix: MatrixView<'a>,
    moments: &Moments,
    distortion: f64,
    effort: Effort,
) -> Result<Vec<Candidate<'a>>> {
    let settings = effort.settings();
    let analyse = |transform, remove_means| {
        let preparation = Preparation {
            transform,
            whole: false,
            remove_means,
            tile: DEFAULT_TILE,
        };
        TrellisAnalysis::new(matrix, preparation, settings)
    };
    let everything = effort == Effort::Max;
    let mut found = vec![analyse(Transform::None, false)?];
    // Means cost about 6 bits each.
    let mean_cost = 6.0 / matrix.rows() as f64;
    let means_pay = everything || mean_gain(matrix.rows(), moments) > 1.5 * mean_cost + 0.002;
    if means_pay {
        found.push(analyse(Transform::None, true)?);
    }
    let gain = coding_gain(matrix);
    let worth = |g: f64| everything || g > WORTH_MEASURING;
    if worth(gain.rows) {
        found.push(analyse(Transform::DctRows, means_pay)?);
    }
    if worth(gain.cols) {
        found.push(analyse(Transform::DctCols, false)?);
    }
    if everything || gain.rows.min(gain.cols) > WORTH_MEASURING {
        found.push(analyse(Transform::Dct2, false)?);
    }
    if let [_] = found[..] {
        let alone = |analysis| Candidate {
            analysis,
            guess: None,
            rate: f64::INFINITY,
        };
        return Ok(found.into_iter().map(alone).collect());
    }
    let mut rated: Vec<Candidate<'a>> = found
        .into_iter()
        .map(|analysis| {
            let preparation = analysis.preparation();
            let means = if preparation.remove_means {
                mean_cost
            } else {
                0.0
            };
            let slower = if preparation.transform == Transform::None {
                1.0
            } else {
                1.0 + WORTH_USING
            };
            let guess = step_for(&analysis, distortion);
            Candidate {
                analysis,
                rate: slower * (guess.rate + means),
                guess: Some(guess),
            }
        })
        .collect();
    rated.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    Ok(rated)
}

/// Bits per weight that removing the column means saves a Gaussian: ½·log₂ of the energy ratio.
fn mean_gain(rows: usize, moments: &Moments) -> f64 {
    let means = &moments.means;
    let in_means = means.iter().map(|m| m * m).sum::<f64>() / means.len() as f64;
    // Means of noise hold 1/rows of its energy by themselves.
    let rest = 1.0 - (in_means / moments.energy).min(0.999_999) + 1.0 / rows as f64;
    -0.5 * libm::log2(rest)
}
