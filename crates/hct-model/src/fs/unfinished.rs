//! What this process writes under temporary names, for one that has to stop at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Absolute paths of temporary files and folders.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Held while a temporary is made, or gets the name of an output: never for long.
pub(super) struct Names(MutexGuard<'static, Vec<PathBuf>>);

impl Names {
    pub fn lock() -> Names {
        Names(UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a temporary that has just been made.
    pub fn add(&mut self, path: &Path) -> Unfinished {
        let path = absolute(path);
        self.0.push(path.clone());
        Unfinished(path)
    }

    /// The temporary is none any more.
    pub fn forget(&mut self, unfinished: &Unfinished) {
        self.0.retain(|path| *path != unfinished.0);
    }

    /// Whether this process writes it.
    pub fn has(&self, path: &Path) -> bool {
        self.0.contains(&absolute(path))
    }
}

/// A temporary that is noted until this is dropped. Not to be dropped while [`Names`] are held.
pub(super) struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        Names::lock().forget(self);
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// While it is there, writers neither begin nor finish: they wait.
pub struct UnfinishedRemoved(#[expect(dead_code, reason = "holds the lock")] Names);

/// Removes every file and folder that this process is writing and has not finished, whatever its other
/// threads do: for a handler of signals, which then exits. Nothing of that gets the name of an output
/// any more, nor is anything begun, until what is returned is dropped. What a run keeps on purpose, to
/// be gone on from, stays.
pub fn remove_unfinished() -> UnfinishedRemoved {
    let names = Names::lock();
    for path in names.0.iter() {
        // Best done as far as it goes: what stays is found by the next run.
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
    }
    UnfinishedRemoved(names)
}
