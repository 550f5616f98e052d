//! What an error of a matrix does, from its statistics.

use super::quadratic_form::QuadraticForm;
use crate::calibration::TensorStatistics;

/// Least exponent of row weights: between none of the differences and all of them, since they are
/// estimates of few tokens and the formula they are from is a first approximation.
const ROW_EXPONENT: f64 = 0.5;
/// Tokens up to which that is the exponent. Of n more than these it is n / (n + these): the more tokens
/// there are, the more of the differences is real.
const FEW_TOKENS: f64 = 16384.0;
/// Share of the mean of the diagonal that is added to it.
const DAMPING: f64 = 0.02;
/// Share of the mean weight that is added to that of every row: what the calibration hardly saw
/// may yet come.
const ROW_FLOOR: f64 = 0.05;
/// The same where rows are tokens, of which a calibration sees but a part.
const TOKEN_FLOOR: f64 = 0.1;
/// The sum of row weights where there were no gradients: about that of a matrix of a small model, so
/// that steps mean about the same.
const TYPICAL: f64 = 4e-5;
/// Rows beyond which they are taken for tokens.
const TOKENS: usize = 1 << 14;

/// The damage that errors e of the rows r do: ½ Σ_r weight_r · e_r H e_rᵀ.
pub(super) struct Sensitivity {
    /// H.
    pub form: QuadraticForm,
    /// One per row; none where rows count alike, by 1.
    pub rows: Vec<f64>,
}

impl Sensitivity {
    /// H is half the inputs' moments, and half those weighted by gradients, each of what is off
    /// the diagonal shrunk to what can be relied on.
    pub fn of(statistics: &TensorStatistics) -> Self {
        let total = match &statistics.rows {
            Some(rows) => rows.iter().map(|&h| f64::from(h)).sum(),
            None => TYPICAL,
        };
        let reliability = f64::from(statistics.reliability);
        let form = match &statistics.weighted {
            None => QuadraticForm::scaled(&statistics.inputs, total, reliability),
            Some(weighted) => {
                let reliability_weighted = f64::from(statistics.weighted_reliability);
                let plain = QuadraticForm::scaled(&statistics.inputs, 0.5 * total, reliability);
                plain.add(QuadraticForm::scaled(weighted, 0.5, reliability_weighted))
            }
        };
        Sensitivity {
            form: form.damped(DAMPING),
            rows: match &statistics.rows {
                Some(rows) => row_weights(rows, total, row_exponent(statistics.tokens)),
                None => Vec::new(),
            },
        }
    }
}

/// The exponent of row weights that are estimates of so many tokens.
fn row_exponent(tokens: u64) -> f64 {
    let tokens = tokens as f64;
    ROW_EXPONENT.max(tokens / (tokens + FEW_TOKENS))
}

/// Weights of rows that matter as `rows`, of sum `total`, to go with a form that holds the sum:
/// flattened by `exponent`, at the level that keeps their mean.
fn row_weights(rows: &[f32], total: f64, exponent: f64) -> Vec<f64> {
    let n = rows.len() as f64;
    let floor = if rows.len() > TOKENS {
        TOKEN_FLOOR
    } else {
        ROW_FLOOR
    } * total
        / n;
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
        assert_eq!(row_exponent(0), 0.5);
        assert_eq!(row_exponent(16_384), 0.5);
        assert_eq!(row_exponent(3 * 16_384), 0.75);
        let ratio = |exponent| {
            let weights = row_weights(&[1.0, 16.0], 17.0, exponent);
            weights[1] / weights[0]
        };
        assert!(ratio(0.5) < ratio(0.75) && ratio(0.75) < 16.0);
    }
}
