//! Opening a damaged file, by its index or by its recovery blocks.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use hct_core::{HctReader, Limits, ReadAt, RecoveredIndex};

use super::report::RecoverReport;
use crate::error::Error;
use crate::error_chain::innermost;
use crate::hct_model::HctModel;
use crate::progress::Progress;

/// A file that could be opened somehow, and what there is to say of that.
pub(super) struct Opening<'a, R> {
    pub model: HctModel<&'a R>,
    pub report: RecoverReport,
}

impl<'a, R: ReadAt> Opening<'a, R> {
    pub fn of(
        name: &Path,
        source: &'a R,
        limits: Limits,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let reason = match HctReader::open_within(source, limits) {
            Ok(reader) => {
                let model = HctModel::of_reader(name.to_owned(), reader);
                let report = RecoverReport {
                    damaged_blocks: model.damaged_recovery_blocks().len(),
                    ..RecoverReport::default()
                };
                return Ok(Opening { model, report });
            }
            Err(error @ (hct_core::Error::Io { .. } | hct_core::Error::Limit(_))) => {
                return Err(Error::hct(name)(error));
            }
            Err(error) => error,
        };
        let watched = Watched { source, progress };
        let found = match RecoveredIndex::scan(&watched, &limits) {
            _ if progress.cancelled() => return Err(Error::Cancelled),
            found => found.map_err(Error::hct(name))?,
        };
        let Some(found) = found else {
            return Err(Error::NoRecoveryBlocks {
                path: name.to_owned(),
                reason: Box::new(reason),
            });
        };
        progress.restart(2);
        let report = report(&found, innermost(&reason));
        let reader = HctReader::open_recovered(source, found, limits);
        let model = HctModel::of_reader(name.to_owned(), reader);
        Ok(Opening { model, report })
    }
}

fn report(found: &RecoveredIndex, reason: &hct_core::Error) -> RecoverReport {
    let missing = || found.missing.iter();
    RecoverReport {
        index_fault: Some(reason.to_string()),
        blocks: found.blocks,
        missing_tensors: missing().fold(0, |sum, m| m.tensors.saturating_add(sum)),
        missing_files: missing().fold(0, |sum, m| m.files.saturating_add(sum)),
        missing_in: missing().map(|m| m.place.clone()).collect(),
        end_missing: !found.has_end,
        without_shard: found.without_shard,
        ignored_blocks: found.ignored.len(),
        ..RecoverReport::default()
    }
}

/// Tells of what is read, and stops when asked to.
struct Watched<'a, R> {
    source: &'a R,
    progress: &'a dyn Progress,
}

impl<R: ReadAt> ReadAt for Watched<'_, R> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        if self.progress.cancelled() {
            return Err(io::Error::other("stopped"));
        }
        self.progress.advance(len as u64, "");
        self.source.read_at(offset, len)
    }
}
