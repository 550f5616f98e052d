//! The ways a file of statistics can be wrong.

use crate::gguf::GgufError;

/// What is wrong with a file of calibration statistics; [`crate::Error::Calibration`] says which.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationFault {
    /// A safetensors file of something else.
    #[error("not a file of calibration statistics; `hct calibrate` makes them")]
    NotCalibration,
    /// A version that this program does not read.
    #[error("its version is {found:?}, and the newest known here is {newest}; update hct")]
    Version {
        /// What the file says.
        found: String,
        /// The newest that is read.
        newest: u32,
    },
    /// What it says of itself is not the JSON it should be.
    #[error("its metadata {key:?} is not what it should be")]
    Json {
        /// The key of the metadata.
        key: &'static str,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// A tensor has statistics twice.
    #[error("tensor {tensor:?} has statistics twice")]
    Duplicate {
        /// The tensor.
        tensor: String,
    },
    /// Numbers that it describes are not there, or not in the form described.
    #[error("{field:?} should be {expected} F32 numbers; the file is damaged or made up")]
    Field {
        /// The safetensors tensor.
        field: String,
        /// How many numbers it should have.
        expected: u64,
    },
    /// A matrix too large to count its entries.
    #[error("tensor {tensor:?} would have {columns} columns")]
    TooLarge {
        /// The tensor.
        tensor: String,
        /// What the file says.
        columns: usize,
    },
    /// Numbers that cannot be statistics.
    #[error("{field:?} cannot be statistics")]
    Numbers {
        /// The safetensors tensor.
        field: String,
        /// Why.
        #[source]
        error: Box<hct_core::Error>,
    },
    /// Not an importance matrix of llama.cpp, in neither of its forms.
    #[error("not an importance matrix of llama.cpp: {what}")]
    Imatrix {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An importance matrix in a GGUF file that is wrong.
    #[error("it is no importance matrix of llama.cpp that can be read")]
    Gguf(#[source] GgufError),
    /// No files to merge.
    #[error("there is nothing to merge")]
    NothingToMerge,
    /// Files of different models cannot be merged.
    #[error("it is of another model")]
    OtherModel,
    /// Files with statistics of different tensors cannot be merged.
    #[error("its statistics are of other tensors: there are none like those of {tensor:?}")]
    OtherTensors {
        /// The first tensor of the group in question.
        tensor: String,
    },
    /// Statistics handed to the writer that are not those it was told of.
    #[error("statistics number {group} are not of the shape that was announced")]
    NotAnnounced {
        /// Which, counted from 0.
        group: usize,
    },
}
