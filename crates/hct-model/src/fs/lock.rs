//! Locks that tell whether the writer of a temporary still lives: the system lets go of them when a
//! process ends, however it does.

use std::fs::File;
use std::path::Path;
#[cfg(unix)]
use std::thread::sleep;
#[cfg(unix)]
use std::time::Duration;

/// What came of trying to lock.
pub(super) enum Tried {
    /// It is ours until this is dropped.
    Locked(File),
    /// Somebody else has it.
    Taken,
    /// There are no locks here: it is not Unix, or a file system without.
    Unknown,
}

/// Tries to lock a file or folder that is there.
pub(super) fn try_lock(path: &Path) -> Tried {
    match File::open(path) {
        Ok(file) => try_lock_file(file),
        Err(_) => Tried::Unknown,
    }
}

/// The same of an open file.
#[cfg(unix)]
pub(super) fn try_lock_file(file: File) -> Tried {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Tried::Locked(file),
        Err(Errno::WOULDBLOCK) => Tried::Taken,
        Err(_) => Tried::Unknown,
    }
}

/// The same of an open file.
#[cfg(not(unix))]
pub(super) fn try_lock_file(_: File) -> Tried {
    Tried::Unknown
}

/// Locks a folder while temporaries are looked for and made in it. None where that cannot be had, or
/// somebody else keeps it, such as `flock(1)` around this very process.
#[cfg(unix)]
pub(super) fn lock_folder(path: &Path) -> Option<File> {
    for _ in 0..200 {
        match try_lock(path) {
            Tried::Locked(file) => return Some(file),
            Tried::Taken => sleep(Duration::from_millis(5)),
            Tried::Unknown => return None,
        }
    }
    None
}

/// There are none.
#[cfg(not(unix))]
pub(super) fn lock_folder(_: &Path) -> Option<File> {
    None
}
