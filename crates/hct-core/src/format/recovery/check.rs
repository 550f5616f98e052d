//! Whether the recovery blocks of a file are whole, and say what its index says.

use super::super::index::Index;
use super::super::reader::HctReader;
use super::super::source::ReadAt;
use super::super::version::check_smallest;
use super::block::{Block, FRAME_LEN, Frame};
use crate::{Error, Result};

/// Something between the tensors and the carried files of a file that is not as it should be. It takes nothing
/// from what the file decodes to.
#[derive(Debug)]
#[non_exhaustive]
pub struct BlockFault {
    /// Where in the file the block begins, or what stands in its place.
    pub offset: u64,
    /// What is wrong.
    pub error: Error,
}

impl<S: ReadAt> HctReader<S> {
    /// What is wrong with the recovery blocks (docs/FORMAT.md, §20): every byte between the header and the index
    /// that no chunk has must belong to one, and all together must say what the index says. A file without
    /// any is as good as one that has all.
    ///
    /// Reads these bytes, and nothing of tensors.
    pub fn check_recovery_blocks(&self) -> Vec<BlockFault> {
        let mut check = Check::default();
        let mut faults = Vec::new();
        let gaps: Vec<_> = self.gaps().collect();
        if let Err(error) = self.expect_gaps(&gaps) {
            let offset = gaps.first().map_or(0, |gap| gap.start);
            return vec![BlockFault { offset, error }];
        }
        for gap in gaps {
            let mut at = gap.start;
            while at < gap.end {
                match check.block(self, at, gap.end) {
                    Ok(end) => at = end,
                    // Where the next one begins nothing tells.
                    Err(error) => {
                        check.damaged = true;
                        faults.push(BlockFault { offset: at, error });
                        break;
                    }
                }
            }
        }
        if check.first_crc.is_some() && !check.damaged && !check.complete {
            let error = Error::invalid("recovery blocks", "leave out the end of the index");
            let offset = self.file_bytes();
            faults.push(BlockFault { offset, error });
        }
        faults
    }
}

/// What blocks have been seen.
#[derive(Default)]
struct Check {
    /// Of the file: the checksum of its first block.
    first_crc: Option<u32>,
    /// Files and tensors that have a block, and where the last block ends.
    files: usize,
    tensors: usize,
    end: u64,
    /// Whether a block was the last.
    complete: bool,
    /// Whether there was one that could not be read: entries may be in that.
    damaged: bool,
}

impl Check {
    /// Checks the block at byte `at`, which ends at `end` at the latest; says where.
    fn block<S: ReadAt>(&mut self, file: &HctReader<S>, at: u64, end: u64) -> Result<u64> {
        let room = end - at;
        let nothing = || {
            let why = format!("{room} bytes belong to nothing");
            Error::invalid("recovery block", why)
        };
        let body = at.saturating_add(FRAME_LEN as u64);
        if body > end {
            return Err(nothing());
        }
        let frame = Frame::at(&file.read(at..body)?, at).ok_or_else(nothing)?;
        let len = u64::from(frame.body_len);
        if len > end - body {
            return Err(Error::Truncated {
                what: "recovery block",
                needed: len,
                available: end - body,
            });
        }
        if len > file.limits().index {
            return Err(Error::invalid("recovery block", "is longer than any index"));
        }
        let bytes = file.read(body..body + len)?;
        let block = Block::read(frame, &bytes, at, file.limits(), file.file_bytes())?;
        block.check_place(self.end)?;
        check_smallest(block.minor, block.index.since())?;
        self.compare(&block, file.index())?;
        Ok(block.end())
    }

    fn compare(&mut self, block: &Block, index: &Index) -> Result<()> {
        let other = |why| Err(Error::invalid("recovery block", why));
        if self.first_crc.is_some_and(|crc| crc != block.first_crc) {
            return other("is of another file");
        }
        let counted = (self.files as u64, self.tensors as u64);
        if !self.damaged && (block.files_before, block.tensors_before) != counted {
            return other("does not go on where the one before ended");
        }
        let Index {
            files,
            tensors,
            provenance,
            base_hint,
        } = &block.index;
        let (files_end, tensors_end) = block.entries_end();
        let same_files = of(&index.files, block.files_before, files_end) == Some(files);
        let same_tensors = of(&index.tensors, block.tensors_before, tensors_end) == Some(tensors);
        let ends = (files_end, tensors_end);
        let at_end = ends == (index.files.len() as u64, index.tensors.len() as u64);
        let said = match block.last {
            true => (provenance, base_hint) == (&index.provenance, &index.base_hint),
            false => provenance.is_none() && base_hint.is_none(),
        };
        if !same_files || !same_tensors || !said || block.last != at_end {
            return other("says otherwise than the index");
        }
        self.first_crc = Some(block.first_crc);
        (self.files, self.tensors) = (files_end as usize, tensors_end as usize);
        self.end = block.end();
        self.complete = block.last;
        Ok(())
    }
}

/// The entries of these numbers, if all are there.
fn of<T>(all: &[T], start: u64, end: u64) -> Option<&[T]> {
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    all.get(start..end)
}
