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
/// Rows of the factor that become columns at a time.
const TOGETHER: usize = 32;

/// What the error of a column adds to the targets of later ones, and the steps.
pub(super) struct Factor {
    pub coefficients: Vec<f32>,
    pub column_gains: Vec<i32>,
    pub row_gains: Vec<i32>,
}

impl Factor {
    pub fn of(sensitivity: Sensitivity) -> Self {
        let Sensitivity { form, rows } = sensitivity;
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

/// Rᵢⱼ / Rⱼⱼ at (j, i) for i < j, row-major, and Rⱼⱼ of the form R·Rᵀ, R upper triangular.
fn triangular(form: QuadraticForm) -> (Vec<f32>, Vec<f64>) {
    let (size, entries) = match form {
        QuadraticForm::Diagonal(squares) => {
            let roots: Vec<f64> = squares.iter().map(|v| v.sqrt()).collect();
            return (vec![0.0; roots.len() * roots.len()], roots);
        }
        QuadraticForm::Full { size, entries } => (size, entries),
    };
    // Backwards, the upper factor is the lower one.
    let mut lower: Vec<f64> = entries.iter().rev().copied().collect();
    let mut form = QuadraticForm::Full { size, entries };
    let mut share = REPAIR;
    while !cholesky(&mut lower, size) {
        form = form.damped(share);
        share *= MORE;
        let QuadraticForm::Full { entries, .. } = &form else {
            break;
        };
        // All zeros: nothing matters, and nothing goes with anything.
        if !(share < 1.0 / REPAIR && entries.iter().any(|&v| v > 0.0)) {
            return (vec![0.0; size * size], vec![0.0; size]);
        }
        lower = entries.iter().rev().copied().collect();
    }
    let at = |i: usize, j: usize| lower[(size - 1 - i) * size + size - 1 - j];
    let diagonal: Vec<f64> = (0..size).map(|j| at(j, j)).collect();
    let mut coefficients = vec![0.0; size * size];
    // Some rows of the factor at a time, since they are read across.
    for first in (0..size).step_by(TOGETHER) {
        for (j, row) in coefficients.chunks_exact_mut(size).enumerate().skip(first) {
            for (i, v) in row[..j].iter_mut().enumerate().skip(first).take(TOGETHER) {
                *v = (at(i, j) / diagonal[j]) as f32;
            }
        }
    }
    (coefficients, diagonal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(size: usize, entries: Vec<f64>) -> Factor {
        Factor::of(Sensitivity {
            form: QuadraticForm::Full { size, entries },
            rows: vec![1.0, 4.0, 0.0],
        })
    }

    #[test]
    fn the_factor_gives_the_form() {
        let form = vec![4.0, 2.0, 0.4, 2.0, 3.0, 0.5, 0.4, 0.5, 1.0];
        let (coefficients, diagonal) = triangular(QuadraticForm::Full {
            size: 3,
            entries: form.clone(),
        });
        let r = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => f64::from(coefficients[j * 3 + i]) * diagonal[j],
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
            let factor = factor(2, entries.clone());
            let all = factor.column_gains.iter().chain(&factor.row_gains);
            assert!(all.clone().all(|g| g.abs() <= 2048), "{entries:?}");
            assert!(factor.coefficients.iter().all(|c| c.is_finite()));
            assert_eq!(factor.row_gains[..2], [0, -32]);
        }
    }
}
