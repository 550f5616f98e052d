//! What every strategy offers.

use hct_core::{EncodedTensor, Result, TensorMeta};

/// A tensor to be coded: its description and its little-endian bytes.
#[derive(Clone, Copy)]
pub struct TensorView<'a> {
    /// Name, dtype and shape.
    pub meta: &'a TensorMeta,
    /// The elements.
    pub bytes: &'a [u8],
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
