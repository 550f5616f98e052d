//! Quantizing a band of rows, column by column, with feedback.

use std::ops::Range;

use super::ErrorFeedback;
use super::column::{errors_of, make_up, scale, squared_distance};
use super::rows::Rows;
use crate::kernels::viterbi::Rates;
use crate::matmul::add_product_of_transposed;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::encode::analysis::check_range;
use crate::quant::trellis::encode::distortion::Points;
use crate::quant::trellis::encode::search::Quantized;
use crate::quant::trellis::encode::tile::{LaneStates, TileCoder, TileValues};
use crate::quant::trellis::gains::GainUnit;
use crate::{Dtype, Error, Result, floats, magnitudes};

/// Columns whose errors are fed back to all later ones at once, by a matrix product.
const BLOCK: usize = 64;

/// What a band is coded with.
pub(super) struct BandCoder<'a> {
    pub feedback: ErrorFeedback<'a>,
    pub coder: TileCoder,
    /// Contexts that the search goes by and whose points are those of the decoder.
    pub contexts: &'a Contexts,
    pub rates: &'a Rates,
    /// Values at the start of the next column that have a say in how a column ends; their targets are known but
    /// for the errors of this column, or of this block where the column is its last.
    pub lookahead: usize,
    /// What decoded values are rounded to.
    pub dtype: Dtype,
}

/// A band between quantization and entropy coding, everything in the order of its columns.
pub(super) struct QuantizedBand {
    pub quantized: Quantized,
    /// What was quantized: targets in units of the steps of row and column.
    pub targets: Vec<f32>,
    /// Sum of squares of the errors of `targets`.
    pub damage: f64,
    /// Sum of squared errors of the weights, rounded to the dtype.
    pub squared_error: f64,
}

impl BandCoder<'_> {
    /// Quantizes `rows`, whose values have these classes, column by column.
    ///
    /// # Errors
    /// When a target is not finite or its index would leave the exact range.
    pub fn quantize(&self, rows: &Rows, classes: &[u8]) -> Result<QuantizedBand> {
        let (n, gains) = (rows.len(), self.feedback.column_gains);
        let cols = gains.len();
        let mut targets = rows.weights.clone();
        let (factors, inverse) = (rows.factors(1), rows.factors(-1));
        let points = Points::new(&self.coder, self.contexts);
        // What comes of values seen ahead is written over when their turn comes.
        let mut out = Quantized {
            indices: vec![0; n * cols],
            contexts: vec![0; n * cols],
        };
        let mut states = LaneStates::new();
        let mut errors = vec![0.0; BLOCK.min(cols) * n];
        let (mut run, mut decoded) = (Vec::new(), vec![0.0; n]);
        let mut coefficients = Vec::new();
        let (mut damage, mut squared_error) = (0.0, 0.0);
        for start in (0..cols).step_by(BLOCK) {
            let end = cols.min(start + BLOCK);
            // Targets of the column that were seen ahead, and know of all errors but the last column's.
            let mut seen = 0;
            for j in start..end {
                let known = j - start;
                self.coefficients(start..j, j, &mut coefficients);
                let (column, later) = targets[j * n..].split_at_mut(n);
                let (head, tail) = column.split_at_mut(seen);
                if seen > 0 {
                    let last = known - 1;
                    make_up(head, &coefficients[last..], &errors[last * n..], n);
                }
                make_up(tail, &coefficients, &errors[seen..], n);
                let ahead = self.lookahead.min(n).min(later.len());
                seen = 0;
                if ahead > 0 && j + 1 < end {
                    self.coefficients(start..j, j + 1, &mut coefficients);
                    make_up(&mut later[..ahead], &coefficients, &errors, n);
                    seen = ahead;
                }
                run.clear();
                self.extend(&mut run, column, j)?;
                if ahead > 0 {
                    self.extend(&mut run, &later[..ahead], j + 1)?;
                }
                column.copy_from_slice(&run[..n]);
                let at = j * n..(j + 1) * n + ahead;
                let tile = TileValues {
                    values: &run,
                    classes: &classes[at.clone()],
                };
                let (indices, contexts) =
                    (&mut out.indices[at.clone()], &mut out.contexts[at.clone()]);
                self.coder
                    .quantize_from(self.rates, &tile, &states, (indices, contexts));
                let (indices, contexts) = out.part(j * n..(j + 1) * n);
                states.advance(&self.coder, indices);
                // As the decoder will: point, row, column, dtype.
                points.decode((indices, contexts), &mut decoded);
                damage += squared_distance(column, &decoded);
                scale(&mut decoded, &factors, GainUnit::Fine.factor(gains[j]));
                floats::round_to(&mut decoded, self.dtype);
                squared_error += errors_of(
                    &rows.weights[j * n..][..n],
                    &decoded,
                    &inverse,
                    &factors,
                    &mut errors[known * n..][..n],
                );
            }
            if end < cols {
                let depth = end - start;
                let left = &self.feedback.coefficients[start * cols + end..];
                let errors = &errors[..depth * n];
                add_product_of_transposed(&mut targets[end * n..], (left, cols), errors, depth, n);
            }
        }
        Ok(QuantizedBand {
            quantized: out,
            targets,
            damage,
            squared_error,
        })
    }

    /// What of the errors of columns `from` is added to the targets of column `to`.
    fn coefficients(&self, from: Range<usize>, to: usize, out: &mut Vec<f32>) {
        let all = self.feedback.coefficients;
        let cols = self.feedback.column_gains.len();
        out.clear();
        out.extend(from.map(|column| all[column * cols + to]));
    }

    /// Adds targets of a column to `run`, divided by its step relative to δ.
    fn extend(&self, run: &mut Vec<f32>, targets: &[f32], column: usize) -> Result<()> {
        let inverse = GainUnit::Fine.factor(-self.feedback.column_gains[column]);
        let start = run.len();
        run.extend(targets.iter().map(|v| v * inverse));
        in_exact_range(&run[start..], self.coder.step)
    }
}

/// Errs unless all indices of `values` stay in the exact range.
pub(super) fn in_exact_range(values: &[f32], step: f32) -> Result<()> {
    let max = magnitudes::largest(values);
    if !max.is_finite() {
        return Err(Error::TooLarge {
            magnitude: max.into(),
            limit: f32::MAX.into(),
        });
    }
    check_range(max, step)
}
