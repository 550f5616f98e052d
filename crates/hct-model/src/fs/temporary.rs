//! Temporary files and folders beside the outputs that they become.
//!
//! They are hidden, and their names tell which output they are for, so that the next run for it finds
//! what one that was killed has left. Each is locked by its writer as long as that lives.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use super::lock::{Tried, lock_folder, try_lock, try_lock_file};
use super::unfinished::{Names, Unfinished};
use crate::calibration::hex;
use crate::error::Error;

/// Where the new folder is in the temporary one.
pub(super) const NEW: &str = "new";
/// Where a folder is that is being replaced, while there is none of its name.
pub(super) const OLD: &str = "old";

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

/// A file that is to become `output`, in the same folder.
///
/// # Errors
/// When another process is writing `output`, or the folder does not exist or cannot be written to.
pub(super) fn new_file(output: &Path) -> Result<(NamedTempFile, Unfinished), Error> {
    let (file, _, unfinished) = begin(output, Others::Refused, |builder, folder| {
        // Temporary files are private; this one is to become an ordinary one (less the umask).
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder);
        let file = file.map_err(Error::io("create a file in", folder))?;
        // The same lock: it lasts until both are closed.
        let lock = file.as_file().try_clone().ok();
        let path = file.path().to_owned();
        Ok((file, path, lock))
    })?;
    Ok((file, unfinished))
}

/// A temporary folder that goes away with everything in it, when it is dropped and when
/// [`super::remove_unfinished`] says so.
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: Option<File>,
    unfinished: Unfinished,
}

impl TemporaryFolder {
    /// A folder beside `output`, for what is to become that.
    ///
    /// # Errors
    /// When another process is writing `output`, or the folder around it does not exist or cannot be
    /// written to.
    pub fn beside(output: &Path) -> Result<TemporaryFolder, Error> {
        TemporaryFolder::of(output, Others::Refused)
    }

    /// A folder where the system has those of all programs.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new() -> Result<TemporaryFolder, Error> {
        TemporaryFolder::of(&std::env::temp_dir().join("hct"), Others::Welcome)
    }

    fn of(output: &Path, others: Others) -> Result<TemporaryFolder, Error> {
        let (folder, lock, unfinished) = begin(output, others, |builder, parent| {
            let folder = builder.tempdir_in(parent);
            let folder = folder.map_err(Error::io("create a folder in", parent))?;
            let path = folder.path().to_owned();
            let lock = File::open(&path).ok();
            Ok((folder, path, lock))
        })?;
        Ok(TemporaryFolder {
            folder,
            _lock: lock,
            unfinished,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves it to be removed by the caller, who holds the names.
    pub(super) fn keep(self, names: &mut Names) -> Kept {
        names.forget(&self.unfinished);
        Kept {
            path: self.folder.keep(),
            _lock: self._lock,
            _unfinished: self.unfinished,
        }
    }
}

/// A folder that is not removed by itself any more. To be dropped after the names.
pub(super) struct Kept {
    pub path: PathBuf,
    _lock: Option<File>,
    _unfinished: Unfinished,
}

/// Whether other processes may have temporaries of the same output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Refused,
    Welcome,
}

/// Removes what killed runs have left of `output`, and makes a new temporary of it, of which `make`
/// gives the path and an open file to lock.
fn begin<T>(
    output: &Path,
    others: Others,
    make: impl FnOnce(
        &mut tempfile::Builder<'_, '_>,
        &Path,
    ) -> Result<(T, PathBuf, Option<File>), Error>,
) -> Result<(T, Option<File>, Unfinished), Error> {
    let folder = parent_of(output)?;
    let prefix = prefix(output.file_name().unwrap_or_default());
    // So that nobody takes a temporary for left behind that is not locked yet.
    let _gate = lock_folder(&folder);
    let mut names = Names::lock();
    clear(&folder, &prefix, output, others, &names)?;
    let (made, path, file) = make(tempfile::Builder::new().prefix(&prefix), &folder)?;
    let unfinished = names.add(&path);
    let lock = file.and_then(|file| match try_lock_file(file) {
        Tried::Locked(file) => Some(file),
        Tried::Taken | Tried::Unknown => None,
    });
    drop(names);
    Ok((made, lock, unfinished))
}

/// How the names of temporaries for an output of this name begin.
fn prefix(name: &OsStr) -> String {
    let hash = Sha256::digest(name.as_encoded_bytes());
    format!(".hct-partial-{}-", hex(&hash[..4]))
}

/// Removes temporaries whose writers are gone.
fn clear(
    folder: &Path,
    prefix: &str,
    output: &Path,
    others: Others,
    names: &Names,
) -> Result<(), Error> {
    // Whether the folder can be listed is seen by making something in it.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let is_ours = |name: &str| name.starts_with(prefix);
        if !entry.file_name().to_str().is_some_and(is_ours) {
            continue;
        }
        let path = entry.path();
        // Opening a pipe would wait, and a link leads to what is not ours.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if names.has(&path) || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        match try_lock(&path) {
            Tried::Locked(_lock) if kind.is_dir() => clear_folder(&path, output),
            Tried::Locked(_lock) => drop(fs::remove_file(&path)),
            Tried::Taken if others == Others::Refused => {
                return Err(Error::OutputBusy {
                    path: output.to_owned(),
                });
            }
            Tried::Taken | Tried::Unknown => {}
        }
    }
    Ok(())
}

/// Puts back the folder that a killed run was about to replace, and removes what it has left. What
/// cannot be removed stays: it is in nobody's way.
fn clear_folder(left: &Path, output: &Path) {
    let old = left.join(OLD);
    let is_there = |path: &Path| fs::symlink_metadata(path).is_ok();
    if is_there(&old) && !is_there(output) && fs::rename(&old, output).is_err() {
        return;
    }
    let _: io::Result<()> = fs::remove_dir_all(left);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What is in a folder.
    fn list(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.collect()
    }

    /// What a killed run leaves of `output`: a file of its name, which nobody locks.
    fn leave(output: &Path) -> PathBuf {
        let name = prefix(output.file_name().unwrap()) + "abcdef";
        let path = output.with_file_name(name);
        fs::write(&path, b"half").unwrap();
        path
    }

    #[test]
    fn what_killed_runs_leave_is_removed_by_the_next_run_of_the_same_output_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (output, other) = (dir.path().join("m.hct"), dir.path().join("other.hct"));
        let left = leave(&output);
        drop(new_file(&other).unwrap());
        assert!(left.exists());
        let (file, unfinished) = new_file(&output).unwrap();
        assert!(!left.exists());
        assert_eq!(list(dir.path()).len(), 1);
        drop((file, unfinished));
        assert!(list(dir.path()).is_empty());
    }

    #[test]
    fn what_another_process_writes_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("m.hct");
        let theirs = leave(&output);
        // Another open file is to locks what another process is.
        let Tried::Locked(lock) = try_lock(&theirs) else {
            panic!("no lock");
        };
        let busy = new_file(&output).err();
        assert!(matches!(busy, Some(Error::OutputBusy { path }) if path == output));
        assert!(theirs.exists());
        drop(lock);
        assert!(new_file(&output).is_ok());
        assert!(!theirs.exists());
    }

    #[test]
    fn one_process_may_write_an_output_twice() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("m.hct");
        let (first, second) = (new_file(&output).unwrap(), new_file(&output).unwrap());
        assert!(first.0.path().exists() && second.0.path().exists());
    }

    #[test]
    fn a_folder_that_was_being_replaced_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("m");
        let left = dir.path().join(prefix(OsStr::new("m")) + "abcdef");
        for there in [false, true] {
            fs::create_dir_all(left.join(OLD)).unwrap();
            fs::create_dir_all(left.join(NEW)).unwrap();
            fs::write(left.join(OLD).join("model.safetensors"), b"old").unwrap();
            if there {
                fs::write(output.join("model.safetensors"), b"new").unwrap();
            }
            drop(TemporaryFolder::beside(&output).unwrap());
            assert_eq!(list(dir.path()), ["m"]);
            let expected: &[u8] = if there { b"new" } else { b"old" };
            assert_eq!(
                fs::read(output.join("model.safetensors")).unwrap(),
                expected
            );
        }
    }
}
