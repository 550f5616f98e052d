//! GGUF, the files of ggml and llama.cpp, of versions 2 and 3: metadata, and tensors that are
//! numbers or blocks of quantized weights.
//!
//! Nothing in a file is trusted: lengths, counts and offsets are checked against the length of the
//! file before anything is read or allocated on their word.

mod as_checkpoint;
mod bytes;
mod dequantize;
mod dequantized;
mod error;
mod export;
mod header;
pub(crate) mod names;
mod quantize;
mod rounding;
mod row_order;
mod source;
mod tensor;
mod tensor_type;
mod value;
mod write_header;
mod writer;

pub use as_checkpoint::AsCheckpoint;
pub use error::GgufError;
pub use export::{ExportFault, ExportFiles, ExportOptions, ExportType, export_gguf};
pub(crate) use header::DEFAULT_ALIGNMENT;
pub use header::GgufHeader;
pub use source::Gguf;
pub use tensor::GgufTensor;
pub use tensor_type::GgufType;
pub use value::{GgufArray, GgufValue};
pub use writer::GgufWriter;

/// How GGUF files begin.
pub(crate) const MAGIC: &[u8; 4] = b"GGUF";
