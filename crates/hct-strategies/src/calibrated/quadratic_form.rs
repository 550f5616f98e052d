//! Quadratic forms in f64: of a full symmetric matrix, or of a diagonal one.

use crate::calibration::Moments;

/// e H eᵀ for row vectors e.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum QuadraticForm {
    /// C × C, row-major and backwards, so that (i, j) is at (C − 1 − i, C − 1 − j); the lower triangle of that
    /// counts. The upper triangular factor of a matrix is the lower one of it backwards.
    Full {
        size: usize,
        backwards: Vec<f64>,
    },
    Diagonal(Vec<f64>),
}

/// A share of a form.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    pub moments: &'a Moments,
    /// What they are multiplied by,
    pub factor: f64,
    /// and besides what is off their diagonal.
    pub shrink: f64,
}

impl QuadraticForm {
    /// The sum of moments of one `size`: full where one of them is.
    pub fn sum(size: usize, terms: &[Term<'_>]) -> Self {
        let is_full = |term: &Term<'_>| matches!(term.moments, Moments::Full(_));
        let mut sum = match terms.iter().any(is_full) {
            true => QuadraticForm::Full {
                size,
                backwards: vec![0.0; size * size],
            },
            false => QuadraticForm::Diagonal(vec![0.0; size]),
        };
        terms.iter().for_each(|&term| sum.add(term));
        sum
    }

    fn add(&mut self, term: Term<'_>) {
        let Term {
            moments,
            factor,
            shrink,
        } = term;
        match (moments, &mut *self) {
            (Moments::Full(matrix), QuadraticForm::Full { size, backwards }) => {
                let lines = backwards.chunks_exact_mut(*size).rev();
                for (line, row) in lines.zip(matrix.rows()) {
                    let entries = line[..row.len()].iter_mut().rev();
                    let mut pairs = entries.zip(row);
                    if let Some((entry, &v)) = pairs.next() {
                        *entry += factor * f64::from(v);
                    }
                    pairs.for_each(|(entry, &v)| *entry += factor * shrink * f64::from(v));
                }
            }
            _ => {
                let squares = moments.diagonal();
                let diagonal = self.diagonal_mut().zip(squares);
                diagonal.for_each(|(entry, v)| *entry += factor * f64::from(v));
            }
        }
    }

    /// The diagonal, from the first element on.
    fn diagonal_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        let (full, diagonal) = match self {
            QuadraticForm::Full { size, backwards } => {
                let entries = backwards.iter_mut().rev().step_by(*size + 1);
                (Some(entries), None)
            }
            QuadraticForm::Diagonal(entries) => (None, Some(entries.iter_mut())),
        };
        full.into_iter()
            .flatten()
            .chain(diagonal.into_iter().flatten())
    }

    /// The same with `share` of the mean of the diagonal added to it.
    pub fn damped(mut self, share: f64) -> Self {
        let count = self.diagonal_mut().count().max(1);
        let mean = self.diagonal_mut().map(|v| *v).sum::<f64>() / count as f64;
        self.diagonal_mut().for_each(|v| *v += share * mean);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SymmetricMatrix;

    #[test]
    fn full_and_diagonal_moments_add_up() {
        let matrix = SymmetricMatrix::new(2, vec![1.0, 10.0, 2.0]).unwrap();
        let (full, diagonal) = (Moments::Full(matrix), Moments::Diagonal(vec![4.0, 8.0]));
        let diagonal = Term {
            moments: &diagonal,
            factor: 0.5,
            shrink: 0.0,
        };
        let full = Term {
            moments: &full,
            factor: 2.0,
            shrink: 0.1,
        };
        let both = QuadraticForm::sum(2, &[diagonal, full]);
        // Backwards, and nothing above its diagonal.
        let backwards = vec![8.0, 0.0, 2.0, 4.0];
        assert_eq!(both, QuadraticForm::Full { size: 2, backwards });
        let backwards = vec![9.5, 0.0, 2.0, 5.5];
        assert_eq!(
            both.damped(0.25),
            QuadraticForm::Full { size: 2, backwards }
        );
        let squares = QuadraticForm::sum(2, &[diagonal]);
        assert_eq!(squares, QuadraticForm::Diagonal(vec![2.0, 4.0]));
        assert_eq!(squares.damped(1.0), QuadraticForm::Diagonal(vec![5.0, 7.0]));
    }
}
