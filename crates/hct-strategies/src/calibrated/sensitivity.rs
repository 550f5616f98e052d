//! What an error of a matrix does, as a quadratic form.

use crate::calibration::{Moments, TensorStatistics};

/// The damage that errors e of the rows r do: ½ Σ_r weight_r · e_r H e_rᵀ.
pub(super) struct Sensitivity {
    /// H, damped: lower triangle of C × C, or only its diagonal.
    pub form: Form,
    /// One per row; none where rows count alike, by 1.
    pub rows: Vec<f64>,
}

pub(super) enum Form {
    /// C × C, row-major; both triangles.
    Full(Vec<f64>, usize),
    Diagonal(Vec<f64>),
}

/// Exponent of row weights: between none of the differences and all of them.
const ROW_EXPONENT: f64 = 0.5;
/// Share of the mean of the diagonal that is added to it.
const DAMPING: f64 = 0.05;

fn env(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

impl Sensitivity {
    pub fn of(statistics: &TensorStatistics, rows: usize) -> Self {
        let weights: Vec<f64> = match &statistics.rows {
            Some(rows) => rows.iter().map(|&h| f64::from(h)).collect(),
            None => vec![1.0; rows],
        };
        let total: f64 = weights.iter().sum();
        let shrink = env("HCT_SHRINK", -1.0);
        let (ri, rw) = match shrink { s if s >= 0.0 => (s, s), _ => (f64::from(statistics.reliability), f64::from(statistics.weighted_reliability)) };
        let plain = scaled(&statistics.inputs, total, ri);
        let mixed = match &statistics.weighted {
            None => plain,
            Some(weighted) => half_sum(&plain, &scaled(weighted, 1.0, rw)),
        };
        let form = damped(mixed, env("HCT_DAMP", DAMPING));
        let beta = env(if rows > 16384 { "HCT_EBETA" } else { "HCT_BETA" }, ROW_EXPONENT);
        let floor = env(if rows > 16384 { "HCT_EFLOOR" } else { "HCT_FLOOR" }, if rows > 16384 { 1.0 } else { 0.05 }) * total / rows as f64;
        let rows = match &statistics.rows {
            None => Vec::new(),
            Some(_) => {
                let pow = |exponent: f64| -> Vec<f64> {
                    weights.iter().map(|&h| libm::pow(h + floor, exponent)).collect()
                };
                let (with, without) = (pow(beta), pow(1.0 - beta));
                let level = without.iter().sum::<f64>() / rows as f64;
                with.iter().map(|w| w * level / total).collect()
            }
        };
        Sensitivity { form, rows }
    }
}

/// `moments` times `factor`, and what is off the diagonal also times `shrink`.
fn scaled(moments: &Moments, factor: f64, shrink: f64) -> Form {
    match moments {
        Moments::Diagonal(squares) => {
            Form::Diagonal(squares.iter().map(|&v| factor * f64::from(v)).collect())
        }
        Moments::Full(matrix) => {
            let n = matrix.size();
            let mut out = vec![0.0; n * n];
            for (i, row) in matrix.rows().enumerate() {
                for (j, &v) in (i..n).zip(row) {
                    let v = factor * f64::from(v) * if i == j { 1.0 } else { shrink };
                    out[i * n + j] = v;
                    out[j * n + i] = v;
                }
            }
            Form::Full(out, n)
        }
    }
}

fn half_sum(a: &Form, b: &Form) -> Form {
    let mean = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect();
    match (a, b) {
        (Form::Full(a, n), Form::Full(b, _)) => Form::Full(mean(a, b), *n),
        (Form::Diagonal(a), Form::Diagonal(b)) => Form::Diagonal(mean(a, b)),
        _ => panic!(),
    }
}

fn damped(form: Form, share: f64) -> Form {
    match form {
        Form::Diagonal(mut d) => {
            let mean = d.iter().sum::<f64>() / d.len() as f64;
            d.iter_mut().for_each(|v| *v += share * mean);
            Form::Diagonal(d)
        }
        Form::Full(mut a, n) => {
            let mean = (0..n).map(|i| a[i * n + i]).sum::<f64>() / n as f64;
            (0..n).for_each(|i| a[i * n + i] += share * mean);
            Form::Full(a, n)
        }
    }
}
