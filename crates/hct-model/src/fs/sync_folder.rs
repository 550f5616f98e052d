//! Making sure that names are on disk.

use std::io;
use std::path::Path;

use crate::error::Error;

/// Makes sure that the names in a folder, such as one that was just given, are on disk.
///
/// # Errors
/// When the disk fails. Folders that cannot be synced are left as they are: some file systems have no
/// such thing.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    use std::fs::File;

    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if matters(&error) => Err(Error::io("sync", folder)(error)),
        _ => Ok(()),
    }
}

/// There is no such thing elsewhere.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(unix)]
fn matters(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};

    !matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}
