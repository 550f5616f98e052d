//! What is left of a damaged file, as a file that is whole.

mod copying;
mod opening;
mod report;

use std::io::Write;
use std::path::Path;

use hct_core::{Limits, ReadAt};

pub use report::RecoverReport;

use crate::begin::begin;
use crate::error::Error;
use crate::progress::Progress;
use copying::Copying;
use opening::Opening;

/// Writes what is left of a damaged file `source` to `output`, a file with an index and recovery blocks of its
/// own, and gives the writer back; `name` stands for the source in messages. Where the index cannot be read
/// it is rebuilt from the recovery blocks, for which all of the file is looked through. What is coded is copied
/// as it is, its checksums checked; what fails them is left out and named. Of a file from which no entry is
/// missing and nothing is damaged that is the file that it was, byte for byte, if this program made it.
///
/// Memory holds the index and 16 MiB, or one carried file. `progress` is told the bytes of the source that are looked
/// through, and then, from another [`Progress::restart`] on, those of tensors that are copied.
///
/// # Errors
/// When the source cannot be read or exceeds `limits`; when it has neither an index nor recovery blocks, or nothing
/// of what they tell of is whole; when the output cannot be written. `output` then holds the beginning of a file.
pub fn recover_to<R: ReadAt, W: Write>(
    name: &Path,
    source: R,
    output: W,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<(W, RecoverReport), Error> {
    let Opening { model, mut report } = Opening::of(name, &source, limits, progress)?;
    let index = model.index();
    let writer = begin(
        output,
        index.provenance.as_deref(),
        index.base_hint.as_deref(),
    )?;
    let mut copying = Copying::new(&model, writer);
    copying.files()?;
    copying.tensors(progress)?;
    report.files = copying.files_copied();
    report.tensors = copying.tensors_copied();
    if report.names_are_missing() {
        copying.name_missing();
    }
    let (writer, lost) = copying.done();
    report.lost = lost;
    report.complete = report.lost.is_empty() && !report.names_are_missing();
    if report.tensors == 0 && !report.complete {
        return Err(Error::NothingLeft {
            path: name.to_owned(),
            lost: report.lost.len(),
        });
    }
    Ok((writer.finish().map_err(Error::output)?, report))
}
