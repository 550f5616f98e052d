//! What a tensor is, without its elements.

use hct_core::Dtype;

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

impl TensorInfo {
    /// How many elements it has; 0 where they are too many to count, which no tensor of an open
    /// checkpoint or HCT file has.
    pub fn elements(&self) -> u64 {
        let elements = self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        elements.unwrap_or_default()
    }

    /// Bytes of its elements; 0 where they are not whole bytes or too many to count, which no
    /// tensor of an open checkpoint or HCT file is.
    pub fn byte_len(&self) -> u64 {
        let elements = self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        elements
            .and_then(|n| self.dtype.byte_len(n))
            .unwrap_or_default()
    }
}
