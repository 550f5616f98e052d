//! Reading rows of a matrix column by column, in units of the rows' steps.

use super::ErrorFeedback;
use crate::matrix::MatrixView;
use crate::quant::trellis::gains::GainUnit;

/// Rows read at a time: what they take of every column is a cache line.
const TOGETHER: usize = 16;

/// A set of rows of a matrix.
pub(super) struct Rows {
    /// Their numbers.
    pub numbers: Vec<usize>,
    /// Their gains; empty where rows have none.
    pub gains: Vec<i32>,
}

impl Rows {
    pub fn new(numbers: Vec<usize>, feedback: &ErrorFeedback<'_>) -> Self {
        let gains = match feedback.row_gains {
            [] => Vec::new(),
            gains => numbers.iter().map(|&r| gains[r]).collect(),
        };
        Rows { numbers, gains }
    }

    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The factors of the rows, or with `sign` −1 their inverses; empty where rows have none.
    pub fn factors(&self, sign: i32) -> Vec<f32> {
        self.gains
            .iter()
            .map(|g| GainUnit::Fine.factor(sign * g))
            .collect()
    }

    /// The weights of the rows, column by column, divided by the rows' factors.
    pub fn load(&self, matrix: &MatrixView<'_>) -> Vec<f32> {
        let (n, cols) = (self.len(), matrix.cols());
        let inverse = self.factors(-1);
        let mut out = vec![0.0; n * cols];
        let mut rows = vec![0.0; TOGETHER * cols];
        for (group, numbers) in self.numbers.chunks(TOGETHER).enumerate() {
            let first = group * TOGETHER;
            for (i, (&number, row)) in numbers.iter().zip(rows.chunks_exact_mut(cols)).enumerate() {
                matrix.read(number * cols, row);
                if let Some(factor) = inverse.get(first + i) {
                    row.iter_mut().for_each(|v| *v *= factor);
                }
            }
            for (c, column) in out.chunks_exact_mut(n).enumerate() {
                let values = &mut column[first..first + numbers.len()];
                for (i, v) in values.iter_mut().enumerate() {
                    *v = rows[i * cols + c];
                }
            }
        }
        out
    }

    /// The same in units of the steps of the columns, too: what is quantized but for feedback.
    pub fn load_in_steps(&self, matrix: &MatrixView<'_>, column_gains: &[i32]) -> Vec<f32> {
        let mut values = self.load(matrix);
        for (column, &gain) in values.chunks_exact_mut(self.len()).zip(column_gains) {
            let inverse = GainUnit::Fine.factor(-gain);
            column.iter_mut().for_each(|v| *v *= inverse);
        }
        values
    }
}
