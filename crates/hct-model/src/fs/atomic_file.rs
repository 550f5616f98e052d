//! Writing files: nothing appears under its final name before it is complete.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;

/// A file that is being written. It gets its name when it is finished; dropped before that, it
/// leaves nothing behind.
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Starts a file that will become `path`, in the same folder.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to.
    pub fn create(path: impl AsRef<Path>) -> Result<AtomicFile, Error> {
        let path = path.as_ref();
        let folder = parent_of(path)?;
        #[cfg_attr(not(unix), expect(unused_mut))]
        let mut builder = temporary();
        // Temporary files are private; this one is to become an ordinary one (less the umask).
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(&folder)
            .map_err(Error::io("create a file in", &folder))?;
        Ok(AtomicFile {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, file),
        })
    }

    /// Makes sure the file is on disk and gives it its name in one step.
    ///
    /// # Errors
    /// When there already is such a file and `overwrite` is not set; when the operating system
    /// refuses. The file of that name is then as it was.
    pub fn finish(self, overwrite: bool) -> Result<(), Error> {
        let AtomicFile { path, file } = self;
        let failed = |error| Error::io("write", &path)(error);
        let file = match file.into_inner() {
            Ok(file) => file,
            Err(error) => return Err(failed(error.into_error())),
        };
        if let Err(error) = file.as_file().sync_all() {
            return Err(failed(error));
        }
        let persisted = if overwrite {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if !overwrite && error.error.kind() == ErrorKind::AlreadyExists => {
                Err(Error::OutputExists { path: path.clone() })
            }
            Err(error) => Err(failed(error.error)),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Errs where there is something of the name of an output that is not to be replaced.
pub(super) fn check_free(output: &Path, overwrite: bool) -> Result<(), Error> {
    match !overwrite && output.exists() {
        true => Err(Error::OutputExists {
            path: output.to_owned(),
        }),
        false => Ok(()),
    }
}

/// The folder a new file or folder goes into; also makes sure that `target` names one.
pub(super) fn parent_of(target: &Path) -> Result<PathBuf, Error> {
    match (target.parent(), target.file_name()) {
        (Some(parent), Some(_)) if parent.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        (Some(parent), Some(_)) => Ok(parent.to_owned()),
        _ => Err(Error::OutputUnnamed {
            path: target.to_owned(),
        }),
    }
}

/// Temporary files and folders of writers, hidden and recognizable if they are ever left behind.
pub(super) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hct-partial-");
    builder
}
