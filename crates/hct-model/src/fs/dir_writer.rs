//! Writing the folder of a checkpoint.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};

use super::early_sync::EarlySync;
use super::place_folder::place;
use super::sync_folder::sync_folder;
use super::temporary::{NEW, TemporaryFolder};
use super::unfinished::Names;
use crate::checkpoint_sink::CheckpointSink;
use crate::error::Error;
use crate::safe_path::safe_relative_path;

/// A checkpoint folder that is being written, file by file as a [`CheckpointSink`]. It gets its
/// name when it is finished; dropped before that, it leaves nothing behind. What is left of a killed
/// process is removed, and what that was about to replace put back, by the next that writes a folder of
/// that name.
pub struct DirWriter {
    target: PathBuf,
    folder: TemporaryFolder,
    /// Files begun.
    files: BTreeSet<String>,
    /// Of these, not ended.
    unfinished: usize,
}

impl DirWriter {
    /// Starts a folder that will become `target`, next to it.
    ///
    /// # Errors
    /// When another process is writing `target`, or the folder around it does not exist or cannot be
    /// written to.
    pub fn create(target: impl AsRef<Path>) -> Result<DirWriter, Error> {
        let target = target.as_ref();
        let folder = TemporaryFolder::beside(target)?;
        let new = folder.path().join(NEW);
        fs::create_dir(&new).map_err(Error::io("create", &new))?;
        Ok(DirWriter {
            target: target.to_owned(),
            folder,
            files: BTreeSet::new(),
            unfinished: 0,
        })
    }

    /// Makes sure the folder is on disk and gives it its name. With `overwrite`, a folder of that name
    /// is replaced as a whole, where everything in it is replaced: it has files of the same paths, or
    /// some of them, and nothing else.
    ///
    /// # Errors
    /// When a file in it is unfinished, when there already is something of that name and `overwrite` is
    /// not set, or it is something else than such a folder; when the operating system refuses. What was
    /// there is then as it was, except for [`Error::OldStranded`], which says where it is, and when
    /// only deleting it failed.
    pub fn finish(self, overwrite: bool) -> Result<(), Error> {
        if self.unfinished > 0 {
            return Err(Error::Unfinished {
                path: self.target,
                files: self.unfinished,
            });
        }
        let new = self.folder.path().join(NEW);
        let mut folders = BTreeSet::from([new.clone()]);
        for file in &self.files {
            let within = Path::new(file).ancestors().skip(1);
            folders.extend(within.map(|folder| new.join(folder)));
        }
        for folder in folders {
            sync_folder(&folder)?;
        }
        place(self.folder, &self.target, &self.files, overwrite)
    }
}

impl CheckpointSink for DirWriter {
    type File = BufWriter<EarlySync<File>>;

    /// Begins a file, and makes the folders it is in. `path` may come from an untrusted file.
    ///
    /// # Errors
    /// When the path is unsafe (see [`safe_relative_path`]), or a file is already there (which on
    /// some systems may be called a little differently), or it cannot be created.
    fn begin(&mut self, path: &str) -> Result<Self::File, Error> {
        let full = self.folder.path().join(NEW).join(safe_relative_path(path)?);
        // Nothing is made in a folder that is being removed.
        let _names = Names::lock();
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        let file = match File::create_new(&full) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::OutputExists { path: full });
            }
            created => created.map_err(Error::io("create", &full))?,
        };
        self.unfinished += 1;
        self.files.insert(path.to_owned());
        let handle = file.try_clone().map_err(Error::io("write", &full))?;
        Ok(BufWriter::with_capacity(
            1 << 20,
            EarlySync::new(file, handle),
        ))
    }

    fn end(&mut self, path: &str, file: Self::File) -> Result<(), Error> {
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(EarlySync::into_synced)
            .map_err(Error::io("write", &self.target.join(path)))?;
        self.unfinished = self.unfinished.saturating_sub(1);
        Ok(())
    }
}
