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

mod amend;
mod bands;
mod base;
mod batch;
mod begin;
mod buffers;
mod calibration;
mod carried_paths;
mod check_known;
mod checkpoint_sink;
mod checkpoint_source;
mod coding_job;
mod content_hash;
mod dedup;
mod diff;
mod encode;
mod error;
mod error_chain;
#[cfg(feature = "fs")]
mod fs;
mod gguf;
mod hct_model;
mod header;
mod imatrix;
mod info;
mod json_pairs;
mod layout;
mod made_by;
mod metered;
mod model_base;
mod model_part;
mod needed_base;
#[cfg(feature = "fs")]
mod npy;
mod packing;
mod parts;
mod printable;
mod progress;
mod proof;
mod proved_content;
mod rate_target;
mod rates;
mod recover;
mod restore;
mod route;
mod safe_path;
mod safetensors;
#[cfg(feature = "fs")]
mod salvage;
mod shard_header;
mod shown;
mod size_estimate;
mod source_changed;
mod tensor_info;
mod tensor_source;
mod verify;

pub use amend::{Amended, Amendments, amend};
pub use base::{Base, BaseFault, BaseMap, BaseMapError, BaseMatch, MAX_BASE_CHAIN};
pub use calibration::{
    CalibrationFault, CalibrationFile, CalibrationInfo, CalibrationWriter, GroupShape, GroupTensor,
    StatisticsGroup, TensorShape, merge_calibrations, model_hash, text_hash,
};
pub use check_known::check_known;
pub use checkpoint_sink::CheckpointSink;
pub use checkpoint_source::{CarriedFile, CheckpointSource};
pub use coding_job::CodingJob;
pub use dedup::{
    BaseEstimate, CheckpointEstimate, DedupReport, DuplicateTensor, Member, NEAR_DUPLICATE, dedup,
};
pub use diff::{Agreement, CentredRows, DiffError, DiffReport, TensorDiff, diff, is_matrix};
pub use encode::{BaseUse, CompressOptions, CompressReport, encode};
pub use error::Error;
pub use error_chain::{error_chain, innermost};
#[cfg(feature = "remote")]
pub use fs::Upload;
#[cfg(feature = "fs")]
pub use fs::{
    AtomicFile, Checkpoint, ComparedTensor, ComparisonReport, ComparisonSummary, DirWriter,
    Extracted, FileSource, FolderLock, HctFile, Opened, SkipReason, SkippedFile, TemporaryFolder,
    UnfinishedRemoved, check_apart, check_extracted, check_replaceable_file, compare, compress,
    compress_resumable, compress_to_rate, decompress, decompress_undamaged, extract, file_hash,
    find_models, is_hct, is_url, move_into_place, open_bases, open_bases_within, open_calibration,
    partial_folder, recover, remove_unfinished,
};
pub use gguf::{
    AsCheckpoint, ExportFault, ExportFiles, ExportOptions, ExportType, Gguf, GgufArray, GgufError,
    GgufHeader, GgufTensor, GgufType, GgufValue, GgufWriter, export_gguf,
};
pub use hct_model::HctModel;
pub use header::{Header, HeaderError, HeaderTensor};
pub use imatrix::Imatrix;
pub use info::{
    BaseInfo, BaseTensorInfo, CarriedInfo, InfoReport, InfoTotals, SectionRates, StoredTensor,
    info, info_of_index,
};
pub use made_by::{MadeBy, provenance, with_part, with_tuning};
pub use metered::Metered;
pub use model_part::ModelPart;
pub use parts::{
    CheckpointPart, Decided, MeasuredFault, MeasuredPart, MeasuredTensor, Measuring, Part,
    PartError, PartFault, decide, made_by_parts, merge, split, split_by_size,
};
pub use printable::{is_unprintable, printable};
pub use progress::Progress;
pub use proof::{Proof, prove};
pub use rate_target::{bits_for_size, encode_to_rate};
pub use rates::{bits_per, ratio};
pub use recover::{RecoverReport, recover_to};
pub use restore::{DecompressReport, restore, restore_file};
pub use safe_path::safe_relative_path;
pub use safetensors::{Safetensors, ShardWriter};
pub use shown::{shown, without_secrets};
pub use source_changed::SourceChanged;
pub use tensor_info::TensorInfo;
pub use tensor_source::TensorSource;
pub use verify::{VerifyFailure, verify, verify_deep};
