//! Writing the folder of a checkpoint.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::atomic_file::{parent_of, temporary};
use crate::checkpoint_sink::CheckpointSink;
use crate::error::Error;
use crate::safe_path::safe_relative_path;

/// A checkpoint folder that is being written, file by file as a [`CheckpointSink`]. It gets its
/// name when it is finished; dropped before that, it leaves nothing behind.
pub struct DirWriter {
    target: PathBuf,
    folder: TempDir,
    /// Files begun and not ended.
    unfinished: usize,
}

impl DirWriter {
    /// Starts a folder that will become `target`, next to it.
    ///
    /// # Errors
    /// When the folder around it does not exist or cannot be written to.
    pub fn create(target: impl AsRef<Path>) -> Result<DirWriter, Error> {
        let target = target.as_ref();
        let parent = parent_of(target)?;
        let folder = temporary()
            .tempdir_in(&parent)
            .map_err(Error::io("create a folder in", &parent))?;
        Ok(DirWriter {
            target: target.to_owned(),
            folder,
            unfinished: 0,
        })
    }

    /// Gives the folder its name. With `overwrite`, a checkpoint folder (or an empty one) of that
    /// name is replaced as a whole; it is moved aside first, and deleted only when the new one is
    /// in place.
    ///
    /// # Errors
    /// When a file in it is unfinished, when there already is something of that name and `overwrite` is not set, or it is not a
    /// checkpoint; when the operating system refuses. What was there is then as it was, except for
    /// [`Error::OldStranded`], which says where it is, and when only deleting it failed.
    pub fn finish(self, overwrite: bool) -> Result<(), Error> {
        let DirWriter {
            target,
            folder,
            unfinished: files,
        } = self;
        if files > 0 {
            return Err(Error::Unfinished {
                path: target,
                files,
            });
        }
        let replacing = match fs::symlink_metadata(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(Error::io("open", &target)(error)),
            Ok(_) if !overwrite => return Err(Error::OutputExists { path: target }),
            Ok(_) => {
                check_replaceable(&target)?;
                true
            }
        };
        if replacing {
            replace(&target, folder.path())?;
        } else {
            fs::rename(folder.path(), &target).map_err(Error::io("create", &target))?;
        }
        // It is no longer where it was, so there is nothing to clean up.
        let _ = folder.keep();
        Ok(())
    }
}

impl CheckpointSink for DirWriter {
    type File = BufWriter<File>;

    /// Begins a file, and makes the folders it is in. `path` may come from an untrusted file.
    ///
    /// # Errors
    /// When the path is unsafe (see [`safe_relative_path`]), or a file is already there (which on
    /// some systems may be called a little differently), or it cannot be created.
    fn begin(&mut self, path: &str) -> Result<BufWriter<File>, Error> {
        let path = self.folder.path().join(safe_relative_path(path)?);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        let file = match File::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::OutputExists { path });
            }
            created => created.map_err(Error::io("create", &path))?,
        };
        self.unfinished += 1;
        Ok(BufWriter::with_capacity(1 << 20, file))
    }

    fn end(&mut self, path: &str, file: BufWriter<File>) -> Result<(), Error> {
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(Error::io("write", &self.folder.path().join(path)))?;
        self.unfinished = self.unfinished.saturating_sub(1);
        Ok(())
    }
}

/// Errs unless `target` is a folder that may be replaced by a checkpoint.
pub(super) fn check_replaceable(target: &Path) -> Result<(), Error> {
    let metadata = fs::symlink_metadata(target).map_err(Error::io("open", target))?;
    if metadata.is_dir() && is_replaceable(target)? {
        Ok(())
    } else {
        Err(Error::NotReplaceable {
            path: target.to_owned(),
        })
    }
}

/// Whether a folder is empty or has safetensors or GGUF files in it. Guards against a mistyped output, such
/// as a home folder, being deleted.
fn is_replaceable(folder: &Path) -> Result<bool, Error> {
    let mut is_empty = true;
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        if Path::new(&entry.file_name())
            .extension()
            .is_some_and(|e| e == "safetensors" || e == "gguf")
        {
            return Ok(true);
        }
        is_empty = false;
    }
    Ok(is_empty)
}

fn replace(target: &Path, new: &Path) -> Result<(), Error> {
    let parent = parent_of(target)?;
    // Kept from the start: from here on it may hold the only copy of the old folder.
    let aside = tempfile::Builder::new()
        .prefix(".hct-replaced-")
        .tempdir_in(&parent)
        .map_err(Error::io("create a folder in", &parent))?
        .keep();
    let old = aside.join("old");
    if let Err(reason) = fs::rename(target, &old) {
        let _ = fs::remove_dir(&aside);
        return Err(Error::io("replace", target)(reason));
    }
    if let Err(reason) = fs::rename(new, target) {
        return match fs::rename(&old, target) {
            Ok(()) => {
                let _ = fs::remove_dir(&aside);
                Err(Error::io("replace", target)(reason))
            }
            Err(_) => Err(Error::OldStranded {
                path: target.to_owned(),
                old,
                reason,
            }),
        };
    }
    fs::remove_dir_all(&aside).map_err(Error::io("delete the replaced folder", &aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_folder_is_put_back_when_the_new_one_cannot_be() {
        let dir = TempDir::new().unwrap();
        let target = dir.path().join("m");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("model.safetensors"), b"old").unwrap();

        let error = replace(&target, &dir.path().join("missing")).unwrap_err();
        assert!(matches!(
            error,
            Error::Io {
                action: "replace",
                ..
            }
        ));
        assert_eq!(fs::read(target.join("model.safetensors")).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
