//! Quantizing a band of rows, column by column, with feedback.

use super::ErrorFeedback;
use super::rows::Rows;
use crate::kernels::viterbi::Rates;
use crate::matmul::add_product;
use crate::matrix::MatrixView;
use crate::quant::trellis::classes::ClassMap;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::encode::analysis::check_range;
use crate::quant::trellis::encode::distortion::Points;
use crate::quant::trellis::encode::search::Quantized;
use crate::quant::trellis::encode::tile::{LaneStates, TileCoder, TileValues};
use crate::quant::trellis::gains::GainUnit;
use crate::{Dtype, Error, Result, floats, magnitudes};

/// Columns whose errors are fed back to all later ones at once, by a matrix product.
const BLOCK: usize = 64;

/// Values at the start of the next column that have a say in how a column ends; their targets are
/// known but for the errors of this column.
const LOOKAHEAD: usize = 192;

/// What a band is coded with.
pub(super) struct BandCoder<'a> {
    pub feedback: ErrorFeedback<'a>,
    pub coder: TileCoder,
    /// Contexts that the search goes by and whose points are those of the decoder.
    pub contexts: &'a Contexts,
    pub rates: &'a Rates,
    pub map: ClassMap,
    /// Log-scales of the columns.
    pub cols: &'a [i32],
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
    /// Quantizes the rows of `matrix`, of log-scales `scales`.
    ///
    /// # Errors
    /// When a target is not finite or its index would leave the exact range.
    pub fn quantize(
        &self,
        matrix: &MatrixView<'_>,
        rows: &Rows,
        scales: &[i32],
    ) -> Result<QuantizedBand> {
        let (n, cols) = (rows.len(), matrix.cols());
        let weights = rows.load(matrix);
        let mut targets = weights.clone();
        let (factors, inverse) = (rows.factors(1), rows.factors(-1));
        let points = Points::new(&self.coder, self.contexts);
        let classes = ClassesOf::new(&self.map, scales, self.cols);
        let mut out = Quantized {
            indices: Vec::with_capacity(n * cols),
            contexts: Vec::with_capacity(n * cols),
        };
        let mut states = LaneStates::new();
        let mut errors = vec![0.0; BLOCK.min(cols) * n];
        let (mut run, mut class) = (Vec::new(), Vec::new());
        let mut decoded = vec![0.0; n];
        let (mut damage, mut squared_error) = (0.0, 0.0);
        for start in (0..cols).step_by(BLOCK) {
            let end = cols.min(start + BLOCK);
            for j in start..end {
                let factor = GainUnit::Fine.factor(self.feedback.column_gains[j]);
                run.clear();
                class.clear();
                let ahead = if j + 1 < cols { LOOKAHEAD.min(n) } else { 0 };
                for (j, count) in [(j, n), (j + 1, ahead)] {
                    if count == 0 {
                        continue;
                    }
                    let column = &targets[j * n..j * n + count];
                    self.extend(&mut run, column, j)?;
                    classes.extend(&mut class, j, count);
                }
                let (column, later) = targets[j * n..end * n].split_at_mut(n);
                column.copy_from_slice(&run[..n]);
                let tile = TileValues {
                    values: &run,
                    classes: &class,
                };
                let mut quantized = self.coder.quantize_from(self.rates, &tile, &states);
                quantized.indices.truncate(n);
                quantized.contexts.truncate(n);
                states.advance(&self.coder, &quantized.indices);
                // As the decoder will: point, row, column, dtype.
                let symbols = quantized.indices.iter().zip(&quantized.contexts);
                for (v, (&k, &context)) in decoded.iter_mut().zip(symbols) {
                    let point = points.get(context, k.unsigned_abs() as usize);
                    *v = if k < 0 { -point } else { point };
                }
                damage += sum_of_squares(column, &decoded);
                apply(&mut decoded, &factors);
                decoded.iter_mut().for_each(|v| *v *= factor);
                floats::round_to(&mut decoded, self.dtype);
                apply(&mut decoded, &inverse);
                let error = &mut errors[(j - start) * n..][..n];
                let weights = &weights[j * n..][..n];
                for (e, (w, v)) in error.iter_mut().zip(weights.iter().zip(&decoded)) {
                    *e = w - v;
                }
                squared_error += match &factors[..] {
                    [] => sum_of_squares(error, &[]),
                    factors => weighted_squares(error, factors),
                };
                let coefficients = &self.feedback.coefficients[j * cols + j + 1..j * cols + end];
                for (target, &a) in later.chunks_exact_mut(n).zip(coefficients) {
                    target
                        .iter_mut()
                        .zip(&*error)
                        .for_each(|(t, e)| *t += a * e);
                }
                out.indices.extend(quantized.indices);
                out.contexts.extend(quantized.contexts);
            }
            if end < cols {
                let depth = end - start;
                let mut left = Vec::with_capacity((cols - end) * depth);
                for k in end..cols {
                    left.extend((start..end).map(|j| self.feedback.coefficients[j * cols + k]));
                }
                add_product(
                    &mut targets[end * n..],
                    &left,
                    &errors[..depth * n],
                    depth,
                    n,
                );
            }
        }
        Ok(QuantizedBand {
            quantized: out,
            targets,
            damage,
            squared_error,
        })
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

fn apply(values: &mut [f32], factors: &[f32]) {
    values.iter_mut().zip(factors).for_each(|(v, f)| *v *= f);
}

/// Sum of squares of `a` less `b`, or of `a` where there is no `b`, in an order that the source
/// fixes.
fn sum_of_squares(a: &[f32], b: &[f32]) -> f64 {
    let squares = |a: f32, b: f32| f64::from(a - b) * f64::from(a - b);
    match b {
        [] => a.iter().map(|&a| squares(a, 0.0)).sum(),
        b => a.iter().zip(b).map(|(&a, &b)| squares(a, b)).sum(),
    }
}

fn weighted_squares(errors: &[f32], factors: &[f32]) -> f64 {
    let squares = |(&e, &f): (&f32, &f32)| (f64::from(e) * f64::from(f)).powi(2);
    errors.iter().zip(factors).map(squares).sum()
}

/// Classes of the values of a band, column by column.
struct ClassesOf<'a> {
    rows: &'a [i32],
    cols: &'a [i32],
    /// Smallest sum of a row's and a column's log-scale.
    low: i32,
    by_sum: Vec<u8>,
}

impl<'a> ClassesOf<'a> {
    fn new(map: &ClassMap, rows: &'a [i32], cols: &'a [i32]) -> Self {
        let range = |scales: &[i32]| {
            let low = scales.iter().copied().min().unwrap_or(0);
            (low, scales.iter().copied().max().unwrap_or(0))
        };
        let ((row_low, row_high), (col_low, col_high)) = (range(rows), range(cols));
        let low = row_low + col_low;
        let by_sum = (low..=row_high + col_high).map(|sum| map.class(sum) as u8);
        ClassesOf {
            rows,
            cols,
            low,
            by_sum: by_sum.collect(),
        }
    }

    /// Adds the classes of the first `count` values of a column to `out`.
    fn extend(&self, out: &mut Vec<u8>, column: usize, count: usize) {
        let shift = self.cols[column] - self.low;
        let rows = &self.rows[..count];
        out.extend(rows.iter().map(|row| self.by_sum[(row + shift) as usize]));
    }
}
