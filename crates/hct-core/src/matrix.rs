//! A tensor seen as a matrix of f32 values, converted piece by piece.

use crate::shape::element_count;
use crate::simd::multiversion;
use crate::{Dtype, Error, Result, floats, magnitudes};

/// Row-major values of a tensor folded to `rows` × `cols`.
#[derive(Clone, Copy)]
pub struct MatrixView<'a> {
    data: Data<'a>,
    rows: usize,
    cols: usize,
}

#[derive(Clone, Copy)]
enum Data<'a> {
    Values(&'a [f32]),
    Bytes(&'a [u8], Dtype),
}

impl<'a> MatrixView<'a> {
    /// A view of f32 values.
    ///
    /// # Errors
    /// When there are not `rows` · `cols` of them, or none.
    pub fn from_values(values: &'a [f32], rows: usize, cols: usize) -> Result<Self> {
        Self::checked(Data::Values(values), values.len(), rows, cols)
    }

    /// A view of little-endian elements of `dtype`, which must be F16, BF16 or F32.
    ///
    /// # Errors
    /// When the dtype is another or the bytes are not `rows` · `cols` elements, or none.
    pub fn from_bytes(bytes: &'a [u8], dtype: Dtype, rows: usize, cols: usize) -> Result<Self> {
        if !dtype.is_codable() {
            return Err(Error::NotCodable { dtype });
        }
        let width = dtype.bits() / 8;
        if !bytes.len().is_multiple_of(width) {
            return Err(Error::PartialElement {
                bytes: bytes.len(),
                dtype,
            });
        }
        Self::checked(Data::Bytes(bytes, dtype), bytes.len() / width, rows, cols)
    }

    fn checked(data: Data<'a>, n: usize, rows: usize, cols: usize) -> Result<Self> {
        if n == 0 || rows.checked_mul(cols) != Some(n) {
            return Err(Error::NotAMatrix {
                values: n,
                rows,
                cols,
            });
        }
        Ok(MatrixView { data, rows, cols })
    }

    /// Rows of the folded matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the folded matrix.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of values.
    #[allow(clippy::len_without_is_empty, reason = "a view is never empty")]
    pub fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Fills `out` with the values from raster position `first` on.
    pub fn read(&self, first: usize, out: &mut [f32]) {
        match self.data {
            Data::Values(values) => out.copy_from_slice(&values[first..first + out.len()]),
            Data::Bytes(bytes, dtype) => {
                let width = dtype.bits() / 8;
                floats::to_f32(
                    &bytes[first * width..(first + out.len()) * width],
                    dtype,
                    out,
                );
            }
        }
    }

    /// The largest magnitude of `n` values from raster position `first` on; infinities and NaNs are above all
    /// others.
    pub(crate) fn largest(&self, first: usize, n: usize) -> f32 {
        match self.data {
            Data::Values(values) => magnitudes::largest(&values[first..first + n]),
            Data::Bytes(bytes, dtype) => {
                let width = dtype.bits() / 8;
                let bytes = &bytes[first * width..(first + n) * width];
                magnitudes::largest_of_bytes(bytes, dtype)
            }
        }
    }

    /// The value of number `i`, counted row by row.
    pub(crate) fn value(&self, i: usize) -> f32 {
        match self.data {
            Data::Values(values) => values[i],
            Data::Bytes(bytes, dtype) => {
                let width = dtype.bits() / 8;
                floats::value(&bytes[i * width..(i + 1) * width], dtype)
            }
        }
    }

    /// Mean of every column and mean square of all values, in f64.
    pub fn moments(&self) -> Moments {
        let mut means = vec![0f64; self.cols];
        let mut energy = 0f64;
        self.each_row(|row| energy += add_row(row, &mut means));
        means.iter_mut().for_each(|mean| *mean /= self.rows as f64);
        Moments {
            means,
            energy: energy / self.len() as f64,
        }
    }

    /// Mean square of every row, after subtracting `center`, one value per column.
    pub fn row_energies(&self, center: &[f32]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.rows);
        self.each_row(|row| {
            let sum: f64 = row
                .iter()
                .zip(center)
                .map(|(&v, c)| f64::from(v - c) * f64::from(v - c))
                .sum();
            out.push(sum / self.cols as f64);
        });
        out
    }

    fn each_row(&self, mut visit: impl FnMut(&[f32])) {
        let mut row = vec![0f32; self.cols];
        for r in 0..self.rows {
            self.read(r * self.cols, &mut row);
            visit(&row);
        }
    }

    /// Whether every value is finite.
    pub fn is_finite(&self) -> bool {
        match self.data {
            Data::Values(values) => magnitudes::largest(values).is_finite(),
            Data::Bytes(bytes, dtype) => magnitudes::all_finite(bytes, dtype),
        }
    }
}

multiversion! {
    /// Adds a row to the sums of its columns; gives its sum of squares.
    fn add_row(row: &[f32], columns: &mut [f64]) -> f64 = add_row_body;
}

#[inline(always)]
fn add_row_body(row: &[f32], columns: &mut [f64]) -> f64 {
    // Partial sums, in an order that the source fixes.
    let mut sums = [0f64; 8];
    for (row, columns) in row.chunks(8).zip(columns.chunks_mut(8)) {
        for ((&v, column), sum) in row.iter().zip(columns).zip(&mut sums) {
            let v = f64::from(v);
            *column += v;
            *sum += v * v;
        }
    }
    sums.iter().sum()
}

/// First and second moments of a matrix.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Mean of every column.
    pub means: Vec<f64>,
    /// Mean square of all values.
    pub energy: f64,
}

/// Rows and columns that a tensor of `shape` is folded to: the split of its dimensions that makes
/// the matrix least elongated, so that a convolution kernel [out, in, h, w] becomes
/// out × (in·h·w) and a leading 1 does not make one endless row. `None` for an empty tensor.
pub fn fold(shape: &[u64]) -> Option<(usize, usize)> {
    let total = usize::try_from(element_count(shape)?)
        .ok()
        .filter(|&n| n > 0)?;
    let mut best = (1, total);
    let mut rows = 1;
    for &d in shape {
        rows *= d as usize;
        let cols = total / rows;
        if rows.min(cols) > best.0.min(best.1) {
            best = (rows, cols);
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_matrices_and_balances_the_rest() {
        assert_eq!(fold(&[]), Some((1, 1)));
        assert_eq!(fold(&[7]), Some((1, 7)));
        assert_eq!(fold(&[576, 1536]), Some((576, 1536)));
        assert_eq!(fold(&[384, 80, 3]), Some((384, 240)));
        assert_eq!(fold(&[64, 3, 7, 7]), Some((64, 147)));
        assert_eq!(fold(&[1, 1500, 384]), Some((1500, 384)));
        assert_eq!(fold(&[4, 0, 3]), None);
        assert_eq!(fold(&[u64::MAX, 3]), None);
    }
}
