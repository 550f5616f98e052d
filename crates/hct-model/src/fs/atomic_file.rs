//! Writing files: nothing appears under its final name before it is complete.

use std::io::{self, BufWriter, ErrorKind, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::early_sync::EarlySync;
use super::replaceable::check_file;
use super::sync_folder::sync_folder;
use super::temporary::{new_file, parent_of};
use super::unfinished::{Names, Unfinished};
use crate::error::Error;

/// A file that is being written. It gets its name when it is finished; dropped before that, it
/// leaves nothing behind. What is left of a killed process is removed by the next that writes a file of
/// that name.
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<EarlySync<NamedTempFile>>,
    // After the file, so that it is noted as long as there is one.
    unfinished: Unfinished,
}

impl AtomicFile {
    /// Starts a file that will become `path`, in the same folder.
    ///
    /// # Errors
    /// When another process is writing `path`, when that is something other than a regular file, when
    /// the folder does not exist or cannot be written to.
    pub fn create(path: impl AsRef<Path>) -> Result<AtomicFile, Error> {
        let path = path.as_ref();
        parent_of(path)?;
        check_file(path)?;
        let (file, unfinished) = new_file(path)?;
        let handle = file.as_file().try_clone();
        let file = EarlySync::new(file, handle.map_err(Error::io("write", path))?);
        Ok(AtomicFile {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, file),
            unfinished,
        })
    }

    /// Makes sure the file is on disk, so that it can be read again where this says.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(super) fn sync(&mut self) -> Result<&Path, Error> {
        self.file
            .flush()
            .and_then(|()| self.file.get_mut().sync())
            .map_err(Error::io("write", &self.path))?;
        Ok(self.file.get_ref().get_ref().path())
    }

    /// Makes sure the file is on disk and gives it its name in one step.
    ///
    /// # Errors
    /// When there already is such a file and `overwrite` is not set, or something other than a regular
    /// file; when the operating system refuses. What has that name is then as it was.
    pub fn finish(self, overwrite: bool) -> Result<(), Error> {
        let AtomicFile {
            path,
            file,
            unfinished,
        } = self;
        let file = file
            .into_inner()
            .map_err(IntoInnerError::into_error)
            .and_then(EarlySync::into_synced)
            .map_err(Error::io("write", &path))?;
        give_name(&path, overwrite, &unfinished, |overwrite| {
            let persisted = match overwrite {
                true => file.persist(&path),
                false => file.persist_noclobber(&path),
            };
            // A file that has no name yet is removed here.
            persisted.map(drop).map_err(|error| error.error)
        })
    }
}

/// Gives a file that is on disk the name `path`, as `rename` does it, and makes sure of that.
fn give_name(
    path: &Path,
    overwrite: bool,
    unfinished: &Unfinished,
    rename: impl FnOnce(bool) -> io::Result<()>,
) -> Result<(), Error> {
    // Whoever removes what is unfinished does so before or after, when there is nothing to remove.
    let mut names = Names::lock();
    check_file(path)?;
    match rename(overwrite) {
        Err(error) if !overwrite && error.kind() == ErrorKind::AlreadyExists => {
            return Err(Error::OutputExists {
                path: path.to_owned(),
            });
        }
        renamed => renamed.map_err(Error::io("write", path))?,
    }
    names.forget(unfinished);
    drop(names);
    sync_folder(&parent_of(path)?)
}

/// Moves the complete file `from`, which is in a folder of the same disk, to `path`. Nothing is there
/// but what was before or all of it.
///
/// # Errors
/// As [`AtomicFile::finish`].
pub fn move_into_place(from: &Path, path: &Path, overwrite: bool) -> Result<(), Error> {
    let file = std::fs::File::open(from).and_then(|file| file.sync_all());
    file.map_err(Error::io("read", from))?;
    let from = tempfile::TempPath::try_from_path(from).map_err(Error::io("read", from))?;
    let unfinished = Names::lock().add(&from);
    give_name(path, overwrite, &unfinished, |overwrite| {
        let persisted = match overwrite {
            true => from.persist(path),
            false => from.persist_noclobber(path),
        };
        persisted.map_err(|error| error.error)
    })
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
