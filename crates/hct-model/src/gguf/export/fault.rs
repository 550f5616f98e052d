//! Why a model is not written as GGUF.

/// What is missing of a model, or unknown of it, for GGUF; [`crate::Error::Export`] says of which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportFault {
    /// A file that says what a model is.
    #[error("it has no {file}, which GGUF takes what the model is from")]
    NoFile {
        /// Its name.
        file: &'static str,
    },
    /// A file that is not JSON.
    #[error("its {file} is no JSON object")]
    NotJson {
        /// Its name.
        file: &'static str,
    },
    /// A value that is not there, or of another kind.
    #[error("its {file} has no {key:?} that is {wanted}")]
    NoValue {
        /// Its name.
        file: &'static str,
        /// The key.
        key: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A layout that is not known here.
    #[error("models of the type {model_type:?} are not written as GGUF; llama and qwen2 are")]
    Architecture {
        /// What config.json says.
        model_type: String,
    },
    /// Positions scaled in a way that is not known here.
    #[error("its rotary positions are scaled by {kind:?}, which is not written as GGUF")]
    RopeScaling {
        /// What config.json says.
        kind: String,
    },
    /// A tokenizer that is not one of byte pairs.
    #[error("its tokenizer is not of byte pairs, which alone are written as GGUF")]
    Tokenizer,
    /// A way of splitting text whose name in llama.cpp is not known here.
    #[error(
        "it is not known what llama.cpp calls the way its tokenizer splits text; give the name as \
         --tokenizer-pre"
    )]
    Splitting,
    /// A tensor that the layout does not have.
    #[error("the tensor {tensor:?} has no name in GGUF")]
    NoName {
        /// The tensor.
        tensor: String,
    },
    /// A tensor without which nothing runs.
    #[error("it has no tensor that GGUF calls {tensor:?}")]
    NoTensor {
        /// Its name in GGUF.
        tensor: &'static str,
    },
    /// A tensor that is not of F16, BF16 or F32.
    #[error("the tensor {tensor:?} is not of F16, BF16 or F32")]
    NoFloats {
        /// The tensor.
        tensor: String,
    },
    /// Numbers that a type does not have.
    #[error("the tensor {tensor:?} has numbers that {kind} does not have")]
    Beyond {
        /// The tensor.
        tensor: String,
        /// The type.
        kind: String,
    },
}
