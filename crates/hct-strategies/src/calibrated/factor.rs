//! The triangular factor of a sensitivity, as the coder takes it.

use hct_core::cholesky;

use super::sensitivity::{Form, Sensitivity};

/// Gains are in units of 1/32 octave.
const UNITS: f64 = 32.0;
/// Row gains are rounded to this many units.
const ROW_GRAIN: f64 = 2.0;

/// What the error of a column adds to the targets of later ones, and the steps.
pub(super) struct Factored {
    pub coefficients: Vec<f32>,
    pub column_gains: Vec<i32>,
    pub row_gains: Vec<i32>,
}

impl Factored {
    pub fn of(sensitivity: &Sensitivity) -> Self {
        let (coefficients, diagonal) = match &sensitivity.form {
            Form::Diagonal(d) => (vec![0.0; d.len() * d.len()], d.iter().map(|v| v.sqrt()).collect()),
            Form::Full(a, n) => factor(a, *n),
        };
        let gain = |inverse: f64, grain: f64| (libm::round(-libm::log2(inverse) * UNITS / grain) * grain) as i32;
        Factored {
            coefficients,
            column_gains: diagonal.iter().map(|&r| gain(r, 1.0)).collect(),
            row_gains: sensitivity.rows.iter().map(|&w| gain(w.sqrt(), ROW_GRAIN)).collect(),
        }
    }
}

/// Rᵢⱼ / Rⱼⱼ and Rⱼⱼ of `a` = R·Rᵀ, R upper triangular.
fn factor(a: &[f64], n: usize) -> (Vec<f32>, Vec<f64>) {
    // Backwards, the factor is the lower one.
    let mut l: Vec<f64> = a.iter().rev().copied().collect();
    assert!(cholesky(&mut l, n));
    let diagonal: Vec<f64> = (0..n).map(|j| l[(n - 1 - j) * (n + 1)]).collect();
    let mut coefficients = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 1..n {
            coefficients[i * n + j] = (l[(n - 1 - i) * n + (n - 1 - j)] / diagonal[j]) as f32;
        }
    }
    (coefficients, diagonal)
}
