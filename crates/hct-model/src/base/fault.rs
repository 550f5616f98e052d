//! What can be wrong with a base.

use hct_core::Dtype;

/// Why a tensor is not the one that another was coded against.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseFault {
    /// There is none of its name.
    #[error("it has no such tensor")]
    Missing,
    /// It is of another dtype or shape.
    #[error("the tensor is {has_dtype} {has_shape:?}, not {dtype} {shape:?}")]
    Form {
        /// The dtype that it has.
        has_dtype: Dtype,
        /// The shape that it has.
        has_shape: Vec<u64>,
        /// The dtype that it should have.
        dtype: Dtype,
        /// The shape that it should have.
        shape: Vec<u64>,
    },
    /// It has other elements.
    #[error("the tensor has other contents (SHA-256)")]
    Contents,
}
