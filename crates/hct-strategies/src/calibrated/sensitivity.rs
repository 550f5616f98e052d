//! What an error of a matrix does, from its statistics.

use super::quadratic_form::{QuadraticForm, Term};
use crate::calibration::TensorStatistics;

/// Row weights are flattened, somewhere between none of their differences and all, since they are estimates,
/// and the formula they are from is a first approximation. The more tokens there are, the more is real.
const OUTPUTS: Flattening = Flattening {
    floor: 0.05,
    least: 0.75,
    few: 5500.0,
};
/// The same where rows are tokens, of which a calibration sees but a part.
const TOKENS: Flattening = Flattening {
    floor: 0.1,
    least: 0.5,
    few: 9000.0,
};
/// Share of the mean of the diagonal that is added to it.
const DAMPING: f64 = 0.02;
/// The sum of row weights where there were no gradients: about that of a matrix of a small model, so
/// that steps mean about the same.
const TYPICAL: f64 = 4e-5;
/// Rows beyond which they are taken for tokens.
const OUTPUTS_AT_MOST: usize = 1 << 14;

/// How the weights of rows are flattened.
struct Flattening {
    /// Share of the mean weight that is added to every one: what the calibration hardly saw may yet come.
    floor: f64,
    /// Estimates of n tokens are raised to the power of n / (n + `few`), and of `least` at the least.
    least: f64,
    few: f64,
}

impl Flattening {
    fn of(rows: usize) -> Flattening {
        match rows > OUTPUTS_AT_MOST {
            true => TOKENS,
            false => OUTPUTS,
        }
    }

    fn exponent(&self, tokens: u64) -> f64 {
        let tokens = tokens as f64;
        self.least.max(tokens / (tokens + self.few))
    }
}

/// The damage that errors e of the rows r do: ½ Σ_r weight_r · e_r H e_rᵀ.
pub(super) struct Sensitivity<'a> {
    statistics: &'a TensorStatistics,
    /// The sum of row weights.
    total: f64,
}

impl<'a> Sensitivity<'a> {
    /// What statistics tell of it.
    pub fn of(statistics: &'a TensorStatistics) -> Self {
        let total = match &statistics.rows {
            Some(rows) => rows.iter().map(|&h| f64::from(h)).sum(),
            None => TYPICAL,
        };
        Sensitivity { statistics, total }
    }

    /// H: half the inputs' moments, and half those weighted by gradients, each of what is off the diagonal
    /// shrunk to what can be relied on.
    pub fn form(&self) -> QuadraticForm {
        let TensorStatistics {
            inputs,
            weighted,
            reliability,
            weighted_reliability,
            ..
        } = self.statistics;
        let plain = Term {
            moments: inputs,
            factor: self.total,
            shrink: f64::from(*reliability),
        };
        let form = match weighted {
            None => QuadraticForm::sum(inputs.size(), &[plain]),
            Some(weighted) => {
                let half = Term {
                    factor: 0.5 * self.total,
                    ..plain
                };
                let weighted = Term {
                    moments: weighted,
                    factor: 0.5,
                    shrink: f64::from(*weighted_reliability),
                };
                QuadraticForm::sum(inputs.size(), &[half, weighted])
            }
        };
        form.damped(DAMPING)
    }

    /// Weights of rows: one per row; none where they count alike, by 1.
    pub fn rows(&self) -> Vec<f64> {
        match &self.statistics.rows {
            Some(rows) => row_weights(rows, self.total, self.statistics.tokens),
            None => Vec::new(),
        }
    }
}

/// Weights of rows that matter as `rows`, of sum `total`, estimates of so many tokens, to go with a form that
/// holds the sum: flattened, at the level that keeps their mean.
fn row_weights(rows: &[f32], total: f64, tokens: u64) -> Vec<f64> {
    let n = rows.len() as f64;
    let flattening = Flattening::of(rows.len());
    let floor = flattening.floor * total / n;
    let exponent = flattening.exponent(tokens);
    let power = |by: f64| move |&h: &f32| libm::pow(f64::from(h) + floor, by);
    let level = rows.iter().map(power(1.0 - exponent)).sum::<f64>() / n;
    let scale = level / total;
    // A matrix whose outputs matter nothing.
    if !(scale > 0.0 && scale.is_finite()) {
        return vec![1.0; rows.len()];
    }
    rows.iter()
        .map(power(exponent))
        .map(|w| w * scale)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_tokens_flatten_less() {
        assert_eq!(OUTPUTS.exponent(0), 0.75);
        assert_eq!(OUTPUTS.exponent(16_500), 0.75);
        assert_eq!(OUTPUTS.exponent(49_500), 0.9);
        assert_eq!(TOKENS.exponent(0), 0.5);
        assert_eq!(TOKENS.exponent(27_000), 0.75);
        let ratio = |rows: &mut [f32], tokens| {
            rows[1] = 16.0;
            let total = rows.iter().map(|&h| f64::from(h)).sum();
            let weights = row_weights(rows, total, tokens);
            weights[1] / weights[0]
        };
        let few = ratio(&mut [1.0; 2], 1_000);
        let many = ratio(&mut [1.0; 2], 100_000);
        assert!(1.0 < few && few < many && many < 16.0);
        // Rows that are tokens differ less.
        let tokens = ratio(&mut vec![1.0; OUTPUTS_AT_MOST + 1], 100_000);
        let outputs = ratio(&mut vec![1.0; OUTPUTS_AT_MOST], 100_000);
        assert!(1.0 < tokens && tokens < outputs);
    }
}
