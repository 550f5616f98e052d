//! The folder in which a run keeps what it has done.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic_file::AtomicFile;
use super::folder_lock::FolderLock;
use crate::encode::{CompressOptions, CompressReport};
use crate::error::Error;

/// The file that says what is coded.
const RUN: &str = "run.json";

/// The folder in which a run keeps what it has done.
pub fn partial_folder(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    output.with_file_name(name)
}

/// What a run codes, to know it again.
#[derive(Serialize, Deserialize, PartialEq)]
struct Run {
    version: String,
    state: String,
    side_files: bool,
    hashes: bool,
    provenance: Option<String>,
    base: Option<String>,
}

/// The folder of a run: `run.json`, and for each part its file and its report, which is written last.
pub(super) struct Work {
    folder: PathBuf,
    /// Nobody else works there.
    lock: FolderLock,
}

impl Work {
    /// Unless it is of the same run, the folder is emptied.
    pub fn open(output: &Path, state: &str, options: CompressOptions<'_>) -> Result<Work, Error> {
        let folder = partial_folder(output);
        let work = Work {
            lock: FolderLock::take(&folder, output)?,
            folder,
        };
        let run = Run {
            version: env!("CARGO_PKG_VERSION").into(),
            state: state.into(),
            side_files: options.side_files,
            hashes: options.hashes,
            provenance: options.provenance.map(str::to_owned),
            base: options.base.and_then(|base| base.hint).map(str::to_owned),
        };
        let path = work.folder.join(RUN);
        let earlier = fs::read(&path).ok();
        let earlier = earlier.and_then(|text| serde_json::from_slice::<Run>(&text).ok());
        if earlier.as_ref() != Some(&run) {
            if let Err(error) = work.empty() {
                // It is somebody's folder.
                work.lock.remove();
                return Err(error);
            }
            write_json(&path, &run)?;
        }
        Ok(work)
    }

    pub fn part(&self, number: usize) -> PathBuf {
        self.folder.join(format!("part-{number:05}.hct"))
    }

    fn report_path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("part-{number:05}.json"))
    }

    /// What was said of a part when it was done.
    pub fn report(&self, number: usize) -> Option<CompressReport> {
        let text = fs::read(self.report_path(number)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Says that a part is done.
    pub fn keep(&self, number: usize, report: &CompressReport) -> Result<(), Error> {
        write_json(&self.report_path(number), report)
    }

    /// Removes what a run has put into the folder, and the folder.
    pub fn remove(&self) -> Result<(), Error> {
        self.empty()?;
        self.lock.remove();
        fs::remove_dir(&self.folder).map_err(Error::io("remove", &self.folder))
    }

    /// Removes what a run has put into the folder.
    ///
    /// # Errors
    /// When something else is there.
    fn empty(&self) -> Result<(), Error> {
        let entries = fs::read_dir(&self.folder).map_err(Error::io("list", &self.folder))?;
        for entry in entries {
            let path = entry.map_err(Error::io("list", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What else may be there is somebody's; an unfinished part is hidden.
            let ours = ["part-", ".hct-partial-", RUN];
            if ours.iter().any(|ours| name.starts_with(ours)) {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            } else if name != FolderLock::NAME {
                let taken = io::Error::from(ErrorKind::DirectoryNotEmpty);
                return Err(Error::io("use", &path)(taken));
            }
        }
        Ok(())
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let text = serde_json::to_vec(value);
    let mut file = AtomicFile::create(path)?;
    text.map_err(Into::into)
        .and_then(|text| file.write_all(&text))
        .map_err(Error::io("write", path))?;
    file.finish(true)
}
