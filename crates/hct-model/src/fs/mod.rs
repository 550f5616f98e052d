//! Checkpoints and HCT files on disk: the only place that knows of paths, temporary files, atomic
//! renames and positioned reads.

mod atomic_file;
mod check_apart;
mod checkpoint;
mod compare;
mod compress;
mod decompress;
mod dir_writer;
mod early_sync;
mod extract;
mod file_hash;
mod file_source;
mod find_models;
mod folder_lock;
mod is_hct;
mod lock;
mod open_bases;
mod open_calibration;
mod opened;
mod partial_run;
mod place_folder;
mod prove_file;
mod recover;
#[cfg(feature = "remote")]
mod remote;
mod replaceable;
mod resumable;
mod sync_folder;
mod temporary;
mod unfinished;

pub use atomic_file::{AtomicFile, move_into_place};
pub use check_apart::check_apart;
pub use checkpoint::{Checkpoint, SkipReason, SkippedFile};
pub use compare::{ComparedTensor, ComparisonReport, ComparisonSummary, compare};
pub use compress::{compress, compress_to_rate};
pub(crate) use compress::{compress_proven, compress_to_rate_proven};
pub use decompress::{decompress, decompress_undamaged};
pub use dir_writer::DirWriter;
pub use extract::{Extracted, check_extracted, extract};
pub use file_hash::file_hash;
pub use file_source::{FileSource, HctFile, is_url};
pub use find_models::find_models;
pub use folder_lock::FolderLock;
pub use is_hct::is_hct;
pub use open_bases::{open_bases, open_bases_within};
pub use open_calibration::open_calibration;
pub use opened::Opened;
pub use partial_run::partial_folder;
pub use recover::recover;
#[cfg(feature = "remote")]
pub use remote::Upload;
pub use replaceable::check_file as check_replaceable_file;
pub use resumable::compress_resumable;
pub(crate) use resumable::{To, compress_resumable_proven};
pub use temporary::TemporaryFolder;
pub use unfinished::{UnfinishedRemoved, remove_unfinished};
