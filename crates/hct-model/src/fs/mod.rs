//! Checkpoints and HCT files on disk: the only place that knows of paths, temporary files, atomic
//! renames and positioned reads.

mod atomic_file;
mod checkpoint;
mod compress;
mod decompress;
mod dir_writer;
mod file_hash;
mod file_source;
mod find_models;
mod open_calibration;
mod resumable;

pub use atomic_file::AtomicFile;
pub use checkpoint::{Checkpoint, SkipReason, SkippedFile};
pub use compress::{compress, compress_to_rate};
pub use decompress::decompress;
pub use dir_writer::DirWriter;
pub use file_hash::file_hash;
pub use file_source::{FileSource, HctFile};
pub use find_models::find_models;
pub use open_calibration::open_calibration;
pub use resumable::{compress_resumable, partial_folder};
