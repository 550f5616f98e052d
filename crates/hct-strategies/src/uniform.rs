//! Uniform V3: the same retention for every tensor.

use hct_core::{
    EncodedTensor, Error, MatrixView, Preparation, Result, SparseFormat, Transform, encode_sparse,
    fold,
};

use crate::{Coded, Strategy, TensorView};

/// 2-D DCT, the ⌈ρ·n⌉ largest coefficients, INT4 in blocks of 32 with FP16 scales.
///
/// The DCT is that of each tile unless [`UniformEncoder::whole_matrix`] asks for one across the
/// matrix: tiles decode in parallel, in bounded memory and row by row, and cost the same rate on
/// trained weights.
#[derive(Clone, Copy, Debug)]
pub struct UniformEncoder {
    retention: f64,
    whole: bool,
}

impl UniformEncoder {
    /// Keeps the fraction `retention` in (0, 1] of the coefficients.
    pub fn new(retention: f64) -> Self {
        UniformEncoder {
            retention,
            whole: false,
        }
    }

    /// Transforms the whole matrix at once instead of tiles.
    pub fn whole_matrix(mut self, whole: bool) -> Self {
        self.whole = whole;
        self
    }
}

impl Strategy for UniformEncoder {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let meta = tensor.meta;
        let (rows, cols) =
            fold(&meta.shape).ok_or_else(|| Error::Encode("the tensor is empty".into()))?;
        let matrix = MatrixView::from_bytes(tensor.bytes, meta.dtype, rows, cols)?;
        let preparation = Preparation {
            whole: self.whole,
            ..Preparation::tiled(Transform::Dct2)
        };
        let plane = encode_sparse(matrix, preparation, SparseFormat::Int4, self.retention)?;
        Ok(Coded {
            tensor: EncodedTensor::plane(plane),
            label: self.name().into(),
        })
    }
}
