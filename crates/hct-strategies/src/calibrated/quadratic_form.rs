//! Quadratic forms in f64: of a full symmetric matrix, or of a diagonal one.

use crate::calibration::Moments;

/// e H eᵀ for row vectors e.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum QuadraticForm {
    /// C × C, row-major, of which the upper triangle counts.
    Full {
        size: usize,
        entries: Vec<f64>,
    },
    Diagonal(Vec<f64>),
}

impl QuadraticForm {
    /// `factor` times `moments`, and what is off the diagonal also times `shrink`.
    pub fn scaled(moments: &Moments, factor: f64, shrink: f64) -> Self {
        let matrix = match moments {
            Moments::Diagonal(squares) => {
                let scaled = squares.iter().map(|&v| factor * f64::from(v));
                return QuadraticForm::Diagonal(scaled.collect());
            }
            Moments::Full(matrix) => matrix,
        };
        let size = matrix.size();
        let mut entries = vec![0.0; size * size];
        for (i, row) in matrix.rows().enumerate() {
            let upper = entries[i * size + i..].iter_mut().zip(row);
            upper.for_each(|(entry, &v)| *entry = factor * shrink * f64::from(v));
            entries[i * size + i] = factor * f64::from(row[0]);
        }
        QuadraticForm::Full { size, entries }
    }

    fn diagonal_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let (entries, stride) = match self {
            QuadraticForm::Full { size, entries } => (entries, *size + 1),
            QuadraticForm::Diagonal(entries) => (entries, 1),
        };
        entries.iter_mut().step_by(stride)
    }

    /// Adds another of the same size. Of a full one and a diagonal one the sum is full.
    pub fn add(self, other: QuadraticForm) -> Self {
        let (mut sum, other) = match (&self, &other) {
            (QuadraticForm::Diagonal(_), QuadraticForm::Full { .. }) => (other, self),
            _ => (self, other),
        };
        match (&mut sum, other) {
            (QuadraticForm::Full { entries: a, .. }, QuadraticForm::Full { entries: b, .. }) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            }
            (sum, QuadraticForm::Diagonal(b)) => {
                sum.diagonal_mut().zip(b).for_each(|(a, b)| *a += b);
            }
            // Full ones came first.
            (QuadraticForm::Diagonal(_), QuadraticForm::Full { .. }) => {}
        }
        sum
    }

    /// The same with `share` of the mean of the diagonal added to it.
    pub fn damped(mut self, share: f64) -> Self {
        let count = self.diagonal_mut().count().max(1);
        let mean = self.diagonal_mut().map(|v| *v).sum::<f64>() / count as f64;
        self.diagonal_mut().for_each(|v| *v += share * mean);
        self
    }
}
