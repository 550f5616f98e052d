//! What a coded tensor must be like.

use hct_core::RowComparison;

/// A quality that every tensor reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quality {
    /// Cosine similarity of at least this, of the tensor and, for embeddings, of the median row
    /// once the mean row is subtracted.
    Cosine(f64),
    /// ‖W − Ŵ‖² / ‖W‖² of at most this.
    RelMse(f64),
}

impl Quality {
    /// The relative mean squared error to aim for first.
    pub(super) fn rel_mse(self) -> f64 {
        match self {
            // Decoded values are close to orthogonal to their errors, as centroids are.
            Quality::Cosine(c) => 1.0 - c * c,
            Quality::RelMse(d) => d,
        }
    }

    /// Factor by which the distortion exceeds what is allowed; at most 1 when it is reached.
    pub(super) fn excess(self, total: &RowComparison) -> f64 {
        match self {
            Quality::Cosine(c) => (1.0 - total.cosine().powi(2)) / (1.0 - c * c),
            Quality::RelMse(d) => total.rel_mse() / d,
        }
    }
}

/// The same for the median of rows that all count alike.
pub(super) fn median_excess(quality: Quality, rows: &[RowComparison]) -> f64 {
    let mut excess: Vec<f64> = rows.iter().map(|row| quality.excess(row)).collect();
    let middle = excess.len() / 2;
    *excess.select_nth_unstable_by(middle, f64::total_cmp).1
}
