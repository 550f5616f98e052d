//! What every strategy offers.

use hct_core::{EncodedTensor, Error, MatrixView, Result, TensorMeta, fold};

/// A tensor to be coded: its description and its little-endian bytes.
#[derive(Clone, Copy)]
pub struct TensorView<'a> {
    /// Name, dtype and shape.
    pub meta: &'a TensorMeta,
    /// The elements.
    pub bytes: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// The tensor as a matrix.
    ///
    /// # Errors
    /// When it is empty, its dtype has no lossy coding, or the bytes are not its elements.
    pub fn matrix(self) -> Result<MatrixView<'a>> {
        let (rows, cols) = fold(&self.meta.shape).ok_or(Error::Empty)?;
        MatrixView::from_bytes(self.bytes, self.meta.dtype, rows, cols)
    }
}

/// A coded tensor and what to say of it.
pub struct Coded {
    /// The coded tensor.
    pub tensor: EncodedTensor,
    /// Label for the file's index: the strategy, and why it fell back if it did.
    pub label: String,
}

/// A way to choose recipes.
pub trait Strategy: Sync {
    /// The name users call it by.
    fn name(&self) -> &'static str;

    /// Codes a tensor that lossy coding suits (see [`crate::lossless_reason`]).
    ///
    /// # Errors
    /// When the tensor cannot be coded as asked.
    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded>;
}
