//! Checkpoints and HCT files on disk: the only place that knows of paths, temporary files, atomic
//! renames and positioned reads.

mod atomic_file;
mod check_apart;
mod checkpoint;
mod compare;
mod compress;
mod decompress;
mod dir_writer;
mod extract;
mod file_hash;
mod file_source;
mod find_models;
mod is_hct;
mod open_bases;
mod open_calibration;
mod opened;
#[cfg(feature = "remote")]
mod remote;
mod resumable;

pub use atomic_file::AtomicFile;
pub use check_apart::check_apart;
pub use checkpoint::{Checkpoint, SkipReason, SkippedFile};
pub use compare::{ComparedTensor, ComparisonReport, ComparisonSummary, compare};
pub use compress::{compress, compress_to_rate};
pub use decompress::decompress;
pub use dir_writer::DirWriter;
pub use extract::{Extracted, check_extracted, extract};
pub use file_hash::file_hash;
pub use file_source::{FileSource, HctFile};
pub use find_models::find_models;
pub use is_hct::is_hct;
pub use open_bases::{open_bases, open_bases_within};
pub use open_calibration::open_calibration;
pub use opened::Opened;
pub use resumable::{compress_resumable, partial_folder};
