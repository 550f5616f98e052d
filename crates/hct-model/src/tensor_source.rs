//! What checkpoints and HCT files have in common: named tensors that can be read one at a time.

use hct_core::Dtype;

use crate::Error;

/// Name, element type and shape of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The name in the checkpoint.
    pub name: String,
    /// The element type.
    pub dtype: Dtype,
    /// The dimensions, outermost first; empty for a scalar.
    pub shape: Vec<u64>,
}

/// The little-endian, row-major bytes of one tensor: mapped from a file, or decoded.
pub enum TensorBytes {
    /// A read-only mapping of exactly the tensor's bytes.
    Mapped(memmap2::Mmap),
    /// Bytes in memory.
    Owned(Vec<u8>),
}

impl std::ops::Deref for TensorBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            TensorBytes::Mapped(map) => map,
            TensorBytes::Owned(bytes) => bytes,
        }
    }
}

/// A set of named tensors, each readable on its own; a checkpoint or an HCT file.
pub trait TensorSource: Sync {
    /// The tensors, in stored order.
    fn tensors(&self) -> &[TensorInfo];

    /// The bytes of tensor `index` of [`TensorSource::tensors`], in its own dtype.
    ///
    /// # Errors
    /// When the bytes cannot be read or decoded; the error names the tensor.
    fn read(&self, index: usize) -> Result<TensorBytes, Error>;
}
