//! An index made of blocks.

use std::collections::HashSet;
use std::ops::Range;

use super::super::index::{FileEntry, Index};
use super::group::Group;

/// An index rebuilt from recovery blocks, as far as these were found.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecoveredIndex {
    pub(in super::super) index: Index,
    /// Blocks that it is made of.
    pub blocks: usize,
    /// Entries that are in no block that was found, or have the name of another, by where their payload was, in order.
    pub missing: Vec<MissingEntries>,
    /// Whether the last block of the file is there. If not, more entries may be missing than are counted, and
    /// provenance and base hint are.
    pub has_end: bool,
    /// Tensors whose shard is missing; they belong to none now.
    pub without_shard: usize,
    /// Offsets of blocks that are of another file, or contradict others.
    pub ignored: Vec<u64>,
}

/// Entries of an index that are not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingEntries {
    /// How many carried files.
    pub files: u64,
    /// How many tensors.
    pub tensors: u64,
    /// Bytes of the file in which their payload was.
    pub place: Range<u64>,
}

impl RecoveredIndex {
    /// The index of these blocks.
    pub(super) fn of(group: Group, ignored: Vec<u64>) -> Option<RecoveredIndex> {
        let has_end = group.is_ended();
        let mut out = RecoveredIndex {
            index: Index::default(),
            blocks: 0,
            missing: Vec::new(),
            has_end,
            without_shard: 0,
            ignored,
        };
        let mut files = Files::default();
        let mut names = HashSet::new();
        let (mut counted, mut end) = ((0, 0), 0);
        for block in group.blocks {
            if (block.files_before, block.tensors_before) != counted {
                out.missing.push(MissingEntries {
                    files: block.files_before - counted.0,
                    tensors: block.tensors_before - counted.1,
                    place: end..block.offset,
                });
            }
            let place = end..block.offset;
            (counted, end) = (block.entries_end(), block.end());
            let Index {
                provenance,
                base_hint,
                files: of_block,
                tensors,
            } = block.index;
            files.add(block.files_before, of_block.len(), out.index.files.len());
            out.index.files.extend(of_block);
            let mut twice = 0;
            for mut tensor in tensors {
                if let Some(number) = tensor.file {
                    tensor.file = files.find(number as u64, &out.index.files);
                    out.without_shard += usize::from(tensor.file.is_none());
                }
                match names.insert(tensor.name.clone()) {
                    true => out.index.tensors.push(tensor),
                    false => twice += 1,
                }
            }
            // In hostile files alone.
            if twice > 0 {
                out.missing.push(MissingEntries {
                    files: 0,
                    tensors: twice,
                    place,
                });
            }
            out.index.provenance = provenance.or(out.index.provenance);
            out.index.base_hint = base_hint.or(out.index.base_hint);
            out.blocks += 1;
        }
        (out.blocks > 0).then_some(out)
    }
}

/// From the numbers of files in the whole file to those of the files that were found.
#[derive(Default)]
struct Files(Vec<(u64, usize, usize)>);

impl Files {
    /// Files from number `before` on are those from `found` on.
    fn add(&mut self, before: u64, count: usize, found: usize) {
        self.0.push((before, count, found));
    }

    /// The number among those found, of a file that tensors can be in.
    fn find(&self, number: u64, files: &[FileEntry]) -> Option<usize> {
        let next = self.0.partition_point(|&(before, ..)| before <= number);
        let &(before, count, found) = self.0.get(next.checked_sub(1)?)?;
        let within = usize::try_from(number - before).ok()?;
        let at = (within < count).then_some(found + within)?;
        files.get(at)?.kind.has_tensors().then_some(at)
    }
}
