//! Rows of a matrix column by column, in units of the rows' steps.

use super::ErrorFeedback;
use crate::matrix::MatrixView;
use crate::quant::trellis::columns::transpose;
use crate::quant::trellis::gains::GainUnit;
use crate::scratch::with_values;

/// A set of rows of a matrix.
pub(super) struct Rows {
    /// Their gains; empty where rows have none.
    pub gains: Vec<i32>,
    /// Their weights, column by column, divided by the rows' factors.
    pub weights: Vec<f32>,
    len: usize,
}

impl Rows {
    /// Those of these numbers.
    pub fn load(matrix: &MatrixView<'_>, numbers: &[usize], feedback: &ErrorFeedback<'_>) -> Self {
        let gains = match feedback.row_gains {
            [] => Vec::new(),
            gains => numbers.iter().map(|&r| gains[r]).collect(),
        };
        let cols = matrix.cols();
        let mut rows = Rows {
            gains,
            weights: vec![0.0; numbers.len() * cols],
            len: numbers.len(),
        };
        let inverse = rows.factors(-1);
        with_values(rows.weights.len(), |values| {
            let lines = values.chunks_exact_mut(cols).zip(inverse);
            for (&number, (row, factor)) in numbers.iter().zip(lines) {
                matrix.read(number * cols, row);
                row.iter_mut().for_each(|v| *v *= factor);
            }
            transpose(values, cols, &mut rows.weights);
        });
        rows
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The factors of the rows, or with `sign` −1 their inverses.
    pub fn factors(&self, sign: i32) -> Vec<f32> {
        match &self.gains[..] {
            [] => vec![1.0; self.len],
            gains => {
                let factor = |&g: &i32| GainUnit::Fine.factor(sign * g);
                gains.iter().map(factor).collect()
            }
        }
    }

    /// The weights in units of the steps of the columns, too: what is quantized but for feedback.
    pub fn in_steps(&self, column_gains: &[i32]) -> Vec<f32> {
        let mut values = self.weights.clone();
        for (column, &gain) in values.chunks_exact_mut(self.len).zip(column_gains) {
            let inverse = GainUnit::Fine.factor(-gain);
            column.iter_mut().for_each(|v| *v *= inverse);
        }
        values
    }
}
