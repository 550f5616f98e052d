//! How two matrices agree.

use anyhow::Result;
use hct_core::{Dtype, MatrixView, RowComparison};

/// Compares two tensors of the same type and shape, of which `fold` gives the matrix.
pub fn compared(
    a: &[u8],
    b: &[u8],
    dtype: Dtype,
    rows: usize,
    cols: usize,
) -> Result<RowComparison> {
    let a = MatrixView::from_bytes(a, dtype, rows, cols)?;
    let b = MatrixView::from_bytes(b, dtype, rows, cols)?;
    Ok(between(&a, &b, rows, cols))
}

/// Compares two matrices of the same shape, whatever their types, all rows in one sum.
pub fn between(a: &MatrixView<'_>, b: &MatrixView<'_>, rows: usize, cols: usize) -> RowComparison {
    let (mut x, mut y) = (vec![0f32; cols], vec![0f32; cols]);
    let mut sums = RowComparison::default();
    for r in 0..rows {
        a.read(r * cols, &mut x);
        b.read(r * cols, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            let (x, y) = (f64::from(x), f64::from(y));
            sums.original += x * x;
            sums.decoded += y * y;
            sums.product += x * y;
            sums.error += (x - y) * (x - y);
        }
    }
    sums
}
