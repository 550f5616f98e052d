//! A matrix to code.

use anyhow::{Context, Result};
use hct_core::{Dtype, MatrixView, TensorMeta, fold};
use hct_strategies::TensorView;

use crate::gaussian::standard_gaussian;

/// A matrix and its bytes.
pub struct Matrix {
    /// Name, type and shape.
    pub meta: TensorMeta,
    bytes: Vec<u8>,
    /// Rows of the folded matrix.
    pub rows: usize,
    /// Columns of the folded matrix.
    pub cols: usize,
    /// Mean square of its values.
    pub energy: f64,
}

impl Matrix {
    /// A tensor of these bytes.
    pub fn new(meta: TensorMeta, bytes: Vec<u8>) -> Result<Matrix> {
        let (rows, cols) = fold(&meta.shape).context("a tensor is empty")?;
        let matrix = MatrixView::from_bytes(&bytes, meta.dtype, rows, cols)?;
        let energy = matrix.moments().energy;
        Ok(Matrix {
            meta,
            bytes,
            rows,
            cols,
            energy,
        })
    }

    /// Number of values.
    pub fn weights(&self) -> usize {
        self.rows * self.cols
    }

    /// The bytes of the values.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As strategies take it.
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            meta: &self.meta,
            bytes: &self.bytes,
            base: None,
        }
    }

    /// As the codec takes it.
    pub fn matrix(&self) -> Result<MatrixView<'_>> {
        let view = MatrixView::from_bytes(&self.bytes, self.meta.dtype, self.rows, self.cols)?;
        Ok(view)
    }
}

/// Independent Gaussian samples of unit variance as a matrix.
pub fn gaussian(rows: usize, cols: usize, dtype: Dtype) -> Result<Matrix> {
    let values = standard_gaussian(rows * cols);
    let bytes = match dtype {
        Dtype::BF16 => values
            .iter()
            .flat_map(|&v| half::bf16::from_f32(v).to_le_bytes())
            .collect(),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let meta = TensorMeta {
        name: "gaussian".into(),
        dtype,
        shape: vec![rows as u64, cols as u64],
    };
    Matrix::new(meta, bytes)
}
