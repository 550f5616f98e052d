//! Whole checkpoints in and out of HCT: safetensors walking, routing, streaming.

mod batch;
mod checkpoint;
mod compress;
mod decompress;
mod diff;
mod error;
mod file_source;
mod hct_model;
mod header;
mod json_pairs;
mod packing;
mod progress;
mod rate_target;
mod safe_path;
mod safetensors_out;
mod tensor_source;

pub use checkpoint::{Checkpoint, Shard, SideFile, SkipReason, SkippedFile};
pub use compress::{CompressOptions, CompressReport, compress};
pub use decompress::{DecompressReport, decompress};
pub use diff::{Agreement, CentredRows, DiffError, DiffReport, TensorDiff, diff, is_matrix};
pub use error::Error;
pub use hct_model::HctModel;
pub use header::{Header, HeaderError, HeaderTensor};
pub use progress::Progress;
pub use rate_target::compress_to_rate;
pub use safe_path::safe_relative_path;
pub use safetensors_out::{DirWriter, ShardWriter};
pub use tensor_source::{TensorBytes, TensorInfo, TensorSource};
