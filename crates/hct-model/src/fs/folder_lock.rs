//! Folders that one run at a time works in, and that stay to be gone on from.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::lock::{Tried, lock_folder, try_lock};
use super::temporary::parent_of;
use crate::error::Error;

/// That nobody else works in a folder, until this is dropped. Of a process that is killed nothing stays
/// locked.
pub struct FolderLock {
    path: PathBuf,
    _file: Option<File>,
}

impl FolderLock {
    /// The file in the folder that is locked.
    pub const NAME: &str = "lock";

    /// Makes the folder if it is not there, and locks it, for what is to become `output`.
    ///
    /// # Errors
    /// When another run works there, and when the folder cannot be made or written to.
    pub fn take(folder: &Path, output: &Path) -> Result<FolderLock, Error> {
        // So that nobody removes the folder in between.
        let _gate = lock_folder(&parent_of(folder)?);
        match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(Error::io("create", folder))?,
        }
        let path = folder.join(FolderLock::NAME);
        let file = File::options().append(true).create(true).open(&path);
        file.map_err(Error::io("create", &path))?;
        let _file = match try_lock(&path) {
            Tried::Locked(file) => Some(file),
            Tried::Unknown => None,
            Tried::Taken => {
                return Err(Error::OutputBusy {
                    path: output.to_owned(),
                });
            }
        };
        Ok(FolderLock { path, _file })
    }

    /// Removes the file that is locked, so that the folder can be removed. Where that fails, so will
    /// removing the folder, which says so.
    pub fn remove(&self) {
        let _: io::Result<()> = fs::remove_file(&self.path);
    }
}
