//! Writing checkpoints: nothing appears under its final name before it is complete.

mod dir_writer;
mod shard_writer;

use std::path::{Path, PathBuf};

use crate::Error;
pub use dir_writer::DirWriter;
pub use shard_writer::ShardWriter;

/// The folder a new file or folder goes into; also makes sure that `target` names one.
fn parent_of(target: &Path) -> Result<PathBuf, Error> {
    match (target.parent(), target.file_name()) {
        (Some(parent), Some(_)) if parent.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        (Some(parent), Some(_)) => Ok(parent.to_owned()),
        _ => Err(Error::OutputUnnamed {
            path: target.to_owned(),
        }),
    }
}

/// Temporary files and folders of writers, hidden and recognizable if they are ever left behind.
fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hct-partial-");
    builder
}
