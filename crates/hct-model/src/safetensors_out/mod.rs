//! Writing checkpoints: nothing appears under its final name before it is complete.

mod dir_writer;
mod shard_writer;

use std::path::{Path, PathBuf};

use std::io::ErrorKind;

use tempfile::NamedTempFile;

use crate::Error;
pub use dir_writer::DirWriter;
pub(crate) use dir_writer::check_replaceable;
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

/// Starts a file that will become `target`, in the same folder.
pub(crate) fn create_beside(target: &Path) -> Result<NamedTempFile, Error> {
    let folder = parent_of(target)?;
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut builder = temporary();
    // Temporary files are private; this one is to become an ordinary one (less the umask).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .tempfile_in(&folder)
        .map_err(Error::io("create a file in", &folder))
}

/// Makes sure `file` is on disk and gives it its name in one step.
pub(crate) fn persist(file: NamedTempFile, path: &Path, overwrite: bool) -> Result<(), Error> {
    file.as_file()
        .sync_all()
        .map_err(Error::io("write", path))?;
    let persisted = if overwrite {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if !overwrite && error.error.kind() == ErrorKind::AlreadyExists => {
            Err(Error::OutputExists {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(Error::io("write", path)(error.error)),
    }
}
