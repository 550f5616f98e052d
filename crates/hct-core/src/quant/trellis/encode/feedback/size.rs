//! How large a plane will be.

use super::analysis::{FeedbackAnalysis, FeedbackTraining};
use super::plane::side_information;

impl FeedbackAnalysis<'_> {
    /// About how many bytes the plane takes at the step of `training`, by the rows that it was learnt from.
    pub fn estimated_bytes(&self, training: &FeedbackTraining) -> f64 {
        let common = self.common(
            training.step,
            training,
            &training.contexts,
            training.precision,
        );
        let of_rows = side_information(&training.row_scales, &self.sample.gains);
        let rows = self.matrix.rows() as f64 / self.sample.len() as f64;
        common.len() as f64 + of_rows.len() as f64 * rows + training.bits.scaled(rows) / 8.0
    }
}
