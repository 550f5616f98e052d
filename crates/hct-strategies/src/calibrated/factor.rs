//! The triangular factor of a quadratic form, and what coding with feedback takes of it.

use hct_core::cholesky;

use super::quadratic_form::QuadraticForm;
use super::sensitivity::Sensitivity;

/// Gains are in units of 1/32 octave and within ± 2048.
const UNITS: f64 = 32.0;
const MAX_GAIN: f64 = 2048.0;
/// Row gains are rounded to this many units: finer ones cost more than they save.
const ROW_GRAIN: f64 = 2.0;
/// Share of the mean of the diagonal to add where a form is not positive definite for rounding, and
/// by how much more each time that is not enough.
const REPAIR: f64 = 1e-3;
const MORE: f64 = 10.0;

/// What the error of a column adds to the targets of later ones, and the steps.
pub(super) struct Factor {
    pub coefficients: Vec<f32>,
    pub column_gains: Vec<i32>,
    pub row_gains: Vec<i32>,
}

impl Factor {
    /// What makes errors do the least.
    pub fn of(sensitivity: &Sensitivity<'_>) -> Self {
        Factor::new(|| sensitivity.form(), &sensitivity.rows())
    }

    /// The same of a form, which may be asked for again, and weights of rows.
    fn new(form: impl Fn() -> QuadraticForm, rows: &[f64]) -> Self {
        let (coefficients, diagonal) = triangular(form);
        Factor {
            coefficients,
            column_gains: diagonal.iter().map(|&r| gain(r, 1.0)).collect(),
            row_gains: rows.iter().map(|&w| gain(w.sqrt(), ROW_GRAIN)).collect(),
        }
    }
}

/// The gain of the step 1 / `weight`.
fn gain(weight: f64, grain: f64) -> i32 {
    let units = -libm::log2(weight) * UNITS;
    // Weights of 0 have the largest step there is.
    (libm::round(units.clamp(-MAX_GAIN, MAX_GAIN) / grain) * grain) as i32
}

/// Rᵢⱼ / Rⱼⱼ for i < j, row-major, and Rⱼⱼ of the form R·Rᵀ, R upper triangular.
fn triangular(form: impl Fn() -> QuadraticForm) -> (Vec<f32>, Vec<f64>) {
    let mut share = 0.0;
    let (size, lower) = loop {
        // Factored in place: memory for one is enough.
        let (size, mut lower) = match form().damped(share) {
            QuadraticForm::Diagonal(squares) => {
                let roots: Vec<f64> = squares.iter().map(|v| v.sqrt()).collect();
                return (vec![0.0; roots.len() * roots.len()], roots);
            }
            QuadraticForm::Full { size, backwards } => (size, backwards),
        };
        let nothing = lower.iter().all(|&v| v <= 0.0);
        if cholesky(&mut lower, size) {
            break (size, lower);
        }
        share = REPAIR.max(share * MORE);
        // Nothing matters, and nothing goes with anything.
        if nothing || share > 1.0 / REPAIR {
            return (vec![0.0; size * size], vec![0.0; size]);
        }
    };
    let diagonal: Vec<f64> = lower.iter().rev().step_by(size + 1).copied().collect();
    let mut coefficients = vec![0.0; size * size];
    let lines = lower.chunks_exact(size).rev();
    for (i, (row, line)) in coefficients.chunks_exact_mut(size).zip(lines).enumerate() {
        let entries = line.iter().rev().zip(&diagonal).skip(i + 1);
        for (v, (entry, diagonal)) in row[i + 1..].iter_mut().zip(entries) {
            *v = (entry / diagonal) as f32;
        }
    }
    (coefficients, diagonal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(size: usize, entries: &[f64]) -> QuadraticForm {
        let backwards = entries.iter().rev().copied().collect();
        QuadraticForm::Full { size, backwards }
    }

    #[test]
    fn the_factor_gives_the_form() {
        let form = vec![4.0, 2.0, 0.4, 2.0, 3.0, 0.5, 0.4, 0.5, 1.0];
        let (coefficients, diagonal) = triangular(|| full(3, &form));
        let r = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => f64::from(coefficients[i * 3 + j]) * diagonal[j],
            std::cmp::Ordering::Equal => diagonal[j],
            std::cmp::Ordering::Greater => 0.0,
        };
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| r(i, k) * r(j, k)).sum();
                assert!((product - form[i * 3 + j]).abs() < 1e-6, "{i} {j}");
            }
        }
    }

    #[test]
    fn hopeless_forms_have_steps_in_range() {
        for entries in [
            vec![0.0; 4],
            vec![1.0, 1.0, 1.0, 1.0],
            vec![0.0, 0.0, 0.0, 1.0],
        ] {
            let factor = Factor::new(|| full(2, &entries), &[1.0, 4.0, 0.0]);
            let all = factor.column_gains.iter().chain(&factor.row_gains);
            assert!(all.clone().all(|g| g.abs() <= 2048), "{entries:?}");
            assert!(factor.coefficients.iter().all(|c| c.is_finite()));
            assert_eq!(factor.row_gains[..2], [0, -32]);
        }
    }
}
