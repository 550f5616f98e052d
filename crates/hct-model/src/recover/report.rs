//! What came of recovering.

use std::ops::Range;

use serde::Serialize;

use crate::verify::VerifyFailure;

/// What was recovered of a file, and what was not.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RecoverReport {
    /// Whether all of the file was recovered.
    pub complete: bool,
    /// Why the index could not be read, where it was rebuilt.
    pub index_fault: Option<String>,
    /// Recovery blocks that the index was rebuilt from; 0 where it could be read.
    pub blocks: usize,
    /// Recovery blocks that were damaged though the index was not; the output has new ones.
    pub damaged_blocks: usize,
    /// Tensors recovered.
    pub tensors: usize,
    /// Carried files recovered, headers of files of tensors among them.
    pub files: usize,
    /// What is known by its name, and not in the output.
    pub lost: Vec<VerifyFailure>,
    /// Tensors whose entries are lost, as far as they can be counted; some are among those lost.
    pub missing_tensors: u64,
    /// The same of carried files.
    pub missing_files: u64,
    /// Bytes of the source in which they were, as first and end of each run.
    pub missing_in: Vec<Range<u64>>,
    /// Whether the last recovery block is lost, so that more may be missing than is counted; how the file was made
    /// and where its base was is lost then.
    pub end_missing: bool,
    /// Tensors that belong to no file any more, since the entry of it is lost.
    pub without_shard: usize,
    /// Recovery blocks that are of another file, or contradict others.
    pub ignored_blocks: usize,
}

impl RecoverReport {
    /// Whether there are tensors or files of which only the number is known, if that is.
    pub(super) fn names_are_missing(&self) -> bool {
        let counted = self.missing_tensors > 0 || self.missing_files > 0;
        counted || self.end_missing || self.without_shard > 0
    }
}
