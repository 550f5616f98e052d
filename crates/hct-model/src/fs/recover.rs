//! A damaged file on disk into one that is whole.

use std::path::Path;

use hct_core::Limits;

use super::atomic_file::AtomicFile;
use super::compress::named;
use super::file_source::FileSource;
use super::replaceable::check_free;
use crate::error::Error;
use crate::progress::Progress;
use crate::recover::{RecoverReport, recover_to};

/// Writes what is left of the file `input` to the file `output`, as [`recover_to`] does. It appears under its
/// name only when it is complete; `overwrite` lets it replace another.
///
/// # Errors
/// Those of [`recover_to`]; when the output cannot be written or exists already.
pub fn recover(
    input: &Path,
    output: &Path,
    overwrite: bool,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<RecoverReport, Error> {
    check_free(output, overwrite)?;
    let source = FileSource::open(input)?;
    let file = AtomicFile::create(output)?;
    let (file, report) =
        recover_to(input, &source, file, limits, progress).map_err(|error| named(error, output))?;
    file.finish(overwrite)?;
    Ok(report)
}
