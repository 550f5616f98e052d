//! The ways a safetensors header can lie.

use hct_core::Dtype;

/// What is wrong with the header of a safetensors file; [`crate::Error::Header`] says which file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not even room for the length of the header.
    #[error(
        "{len} bytes is too short for a safetensors file; it may be truncated: download it again"
    )]
    FileTooShort {
        /// The length of the file.
        len: u64,
    },
    /// The header is implausibly large.
    #[error("not a safetensors file: its header would be {len} bytes (limit {limit})")]
    TooLarge {
        /// The length the file claims.
        len: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The header is longer than the file.
    #[error(
        "the header is said to be {len} bytes, but the file has {available} for it; it may be truncated: download it again"
    )]
    PastEndOfFile {
        /// The length the file claims.
        len: u64,
        /// The bytes that are there.
        available: u64,
    },
    /// The header is not text.
    #[error("not a safetensors file: its header is not UTF-8 (after {valid_up_to} bytes)")]
    NotUtf8 {
        /// Where the text ends.
        valid_up_to: usize,
    },
    /// The header is not the JSON it should be.
    #[error("the header is not valid safetensors JSON")]
    Json(#[source] serde_json::Error),
    /// Two tensors of one name.
    #[error("tensor {tensor:?} is in the header twice")]
    DuplicateTensor {
        /// The tensor.
        tensor: String,
    },
    /// Two values for one key of `__metadata__`.
    #[error("key {key:?} is in __metadata__ twice")]
    DuplicateMetadata {
        /// The key.
        key: String,
    },
    /// An element type this program does not know.
    #[error(
        "tensor {tensor:?} has the unknown dtype {dtype:?}; a newer version of this program may know it"
    )]
    UnknownDtype {
        /// The tensor.
        tensor: String,
        /// The name of the type.
        dtype: String,
    },
    /// The tensor ends before it starts.
    #[error("tensor {tensor:?} ends (at {end}) before it starts (at {start})")]
    Reversed {
        /// The tensor.
        tensor: String,
        /// Its first byte.
        start: u64,
        /// The byte after its last.
        end: u64,
    },
    /// The number of bytes the shape asks for overflows.
    #[error("tensor {tensor:?} has an impossibly large shape {shape:?}")]
    ShapeOverflow {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// Elements smaller than a byte that do not fill the last one.
    #[error("tensor {tensor:?} of {dtype} with shape {shape:?} does not fill whole bytes")]
    PartialByte {
        /// The tensor.
        tensor: String,
        /// Its element type.
        dtype: Dtype,
        /// Its shape.
        shape: Vec<u64>,
    },
    /// The shape and the byte range disagree.
    #[error(
        "tensor {tensor:?} of {dtype} with shape {shape:?} takes {expected} bytes, but has {actual}"
    )]
    WrongLength {
        /// The tensor.
        tensor: String,
        /// Its element type.
        dtype: Dtype,
        /// Its shape.
        shape: Vec<u64>,
        /// What type and shape ask for.
        expected: u64,
        /// The length of the byte range.
        actual: u64,
    },
    /// The tensor reaches past the end of the data.
    #[error(
        "tensor {tensor:?} ends at byte {end} of the data, but there are only {data_len}; the file may be truncated: download it again"
    )]
    PastEndOfData {
        /// The tensor.
        tensor: String,
        /// The byte after its last.
        end: u64,
        /// The bytes that are there.
        data_len: u64,
    },
    /// Two tensors share bytes.
    #[error(
        "tensor {tensor:?} starts at byte {start} of the data, inside tensor {other:?}, which ends at {other_end}"
    )]
    Overlap {
        /// The tensor.
        tensor: String,
        /// Its first byte.
        start: u64,
        /// The tensor before it.
        other: String,
        /// The byte after the last of `other`.
        other_end: u64,
    },
    /// There are bytes before a tensor that belong to none.
    #[error(
        "tensor {tensor:?} starts at byte {start} of the data, but the one before it ends at {previous_end}: the bytes between belong to no tensor"
    )]
    Gap {
        /// The tensor.
        tensor: String,
        /// Its first byte.
        start: u64,
        /// The byte after the last of the tensor before it.
        previous_end: u64,
    },
    /// There are bytes after the last tensor.
    #[error(
        "the tensors end at byte {end} of the data, but there are {data_len}: the rest belongs to no tensor"
    )]
    Trailing {
        /// The byte after the last of the last tensor.
        end: u64,
        /// The bytes that are there.
        data_len: u64,
    },
}
