//! Whole checkpoints in and out of HCT: safetensors walking, routing, streaming.

mod checkpoint;
mod error;
mod header;
mod json_pairs;
mod safe_path;
mod safetensors_out;
mod tensor_source;

pub use checkpoint::{Checkpoint, Shard, SideFile, SkipReason, SkippedFile};
pub use error::Error;
pub use header::{Header, HeaderError, HeaderTensor};
pub use safe_path::safe_relative_path;
pub use safetensors_out::{DirWriter, ShardWriter};
pub use tensor_source::{TensorBytes, TensorInfo, TensorSource};
