//! What checkpoints and HCT files have in common: named tensors that can be read one at a time.

use std::borrow::Cow;

use crate::error::Error;
use crate::tensor_info::TensorInfo;

/// A set of named tensors, each readable on its own; a checkpoint or an HCT file.
pub trait TensorSource: Sync {
    /// The tensors, in stored order.
    fn tensors(&self) -> &[TensorInfo];

    /// The little-endian, row-major bytes of tensor `index` of [`TensorSource::tensors`], in its
    /// own dtype: lent by a source that has them in memory, else read or decoded for the caller.
    ///
    /// # Errors
    /// When the bytes cannot be read or decoded; the error names the tensor.
    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error>;
}
