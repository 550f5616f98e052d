//! Whole checkpoints in and out of HCT.
//!
//! [`encode`] compresses any [`CheckpointSource`] to any writer; [`HctModel`] reads tensors, or
//! rows of them, out of any [`hct_core::ReadAt`]; [`restore`] writes the checkpoint back to any
//! [`CheckpointSink`]; [`diff()`] compares two [`TensorSource`]s, [`dedup()`] finds what many have
//! in common.
//!
//! The feature `fs`, on by default, does the same with paths: `Checkpoint::open`, `compress`,
//! `HctFile::open`, `decompress`. Outputs then appear under their names only when they are
//! complete.

mod base;
mod batch;
mod calibration;
mod checkpoint_sink;
mod checkpoint_source;
mod dedup;
mod diff;
mod encode;
mod error;
#[cfg(feature = "fs")]
mod fs;
mod gguf;
mod hct_model;
mod header;
mod imatrix;
mod json_pairs;
mod layout;
mod model_base;
mod model_part;
mod needed_base;
mod packing;
mod progress;
mod rate_target;
mod restore;
mod safe_path;
mod safetensors;
mod shard_header;
mod source_changed;
mod tensor_info;
mod tensor_source;

pub use base::{Base, BaseFault, BaseMap, BaseMapError, BaseMatch, MAX_BASE_CHAIN};
pub use calibration::{
    CalibrationFault, CalibrationFile, CalibrationInfo, CalibrationWriter, GroupShape, GroupTensor,
    StatisticsGroup, TensorShape, merge_calibrations, model_hash, text_hash,
};
pub use checkpoint_sink::CheckpointSink;
pub use checkpoint_source::{CarriedFile, CheckpointSource};
pub use dedup::{
    BaseEstimate, CheckpointEstimate, DedupReport, DuplicateTensor, Member, NEAR_DUPLICATE, dedup,
};
pub use diff::{Agreement, CentredRows, DiffError, DiffReport, TensorDiff, diff, is_matrix};
pub use encode::{BaseUse, CompressOptions, CompressReport, encode};
pub use error::Error;
#[cfg(feature = "fs")]
pub use fs::{
    AtomicFile, Checkpoint, DirWriter, FileSource, HctFile, SkipReason, SkippedFile, compress,
    compress_to_rate, decompress, file_hash, find_models, open_calibration,
};
pub use gguf::{
    Gguf, GgufArray, GgufError, GgufHeader, GgufTensor, GgufType, GgufValue, GgufWriter,
};
pub use hct_model::HctModel;
pub use header::{Header, HeaderError, HeaderTensor};
pub use imatrix::Imatrix;
pub use model_part::ModelPart;
pub use progress::Progress;
pub use rate_target::encode_to_rate;
pub use restore::{DecompressReport, restore, restore_file};
pub use safe_path::safe_relative_path;
pub use safetensors::{Safetensors, ShardWriter};
pub use source_changed::SourceChanged;
pub use tensor_info::TensorInfo;
pub use tensor_source::TensorSource;
