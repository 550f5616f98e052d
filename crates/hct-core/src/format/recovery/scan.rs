//! Looking for blocks in a file that is not to be trusted. Work is linear in its length, memory is that of what
//! is found and one piece.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use super::super::limits::{LimitExceeded, Limited, Limits};
use super::super::source::{ReadAt, read_range};
use super::super::trailer::HEADER_LEN;
use super::block::{Block, FRAME_LEN, Frame, LEAST_BODY, MAGIC};
use super::group::Group;
use super::rebuilt::RecoveredIndex;
use crate::{Error, Result};

/// Bytes that are looked through at a time.
const PIECE: usize = 1 << 20;

/// Bytes of all that begins like a block, for each byte of the file. Blocks do not overlap, so that those of any
/// file take 1 at most; a damaged length may claim the rest of it.
const CLAIMS: u64 = 8;

impl RecoveredIndex {
    /// Looks through all of `source` for recovery blocks, and makes an index of those that go together. None
    /// where there is none. The file need not be whole in any way: header, index and trailer are not
    /// looked at.
    ///
    /// Files are read front to back, most bytes once.
    ///
    /// # Errors
    /// When the file cannot be read; when the blocks are of a later version, or have more than `limits` allow an
    /// index; when more begins like a block than any encoder writes.
    pub fn scan<S: ReadAt>(source: &S, limits: &Limits) -> Result<Option<RecoveredIndex>> {
        let size = source.size();
        let mut scan = Scan {
            source,
            limits,
            claimed: 0,
            index_bytes: 0,
            entries: 0,
            groups: HashMap::new(),
            ignored: Vec::new(),
        };
        let mut at = HEADER_LEN as u64;
        while at < size {
            let len = size - at;
            let piece = read_range(source, at, len.min((PIECE + FRAME_LEN) as u64))?;
            for (i, _) in magics(&piece).take_while(|&(i, _)| i < PIECE) {
                scan.candidate(&piece[i..], at + i as u64)?;
            }
            at += len.min(PIECE as u64);
        }
        Ok(scan.best())
    }
}

/// Where the magic of blocks is.
fn magics(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let windows = bytes.windows(MAGIC.len()).enumerate();
    windows.filter(|(_, window)| *window == MAGIC)
}

struct Scan<'a, S> {
    source: &'a S,
    limits: &'a Limits,
    /// Bytes of all that began like a block.
    claimed: u64,
    /// Bytes of the bodies of blocks, and entries in them.
    index_bytes: u64,
    entries: u64,
    /// Blocks by the checksum of the first of their file.
    groups: HashMap<u32, Group>,
    /// Where blocks are that contradict others.
    ignored: Vec<u64>,
}

impl<S: ReadAt> Scan<'_, S> {
    /// Looks at what begins with the magic at `offset`.
    fn candidate(&mut self, bytes: &[u8], offset: u64) -> Result<()> {
        let size = self.source.size();
        let Some(frame) = Frame::at(bytes, offset) else {
            return Ok(());
        };
        let (body, len) = (offset + FRAME_LEN as u64, u64::from(frame.body_len));
        let room = size.saturating_sub(body);
        if !(LEAST_BODY..=room.min(self.limits.index)).contains(&len) {
            return Ok(());
        }
        self.claimed = self.claimed.saturating_add(FRAME_LEN as u64 + len);
        if self.claimed > size.saturating_mul(CLAIMS) {
            return Err(Error::invalid(
                "recovery blocks",
                "more begins like one than any encoder writes; the file was made to take long",
            ));
        }
        let here = bytes.get(FRAME_LEN..FRAME_LEN + len as usize);
        let body = match here {
            Some(body) => Cow::Borrowed(body),
            None => read_range(self.source, body, len)?,
        };
        match Block::read(frame, &body, offset, self.limits, size) {
            Ok(block) => self.add(block, len),
            Err(error @ (Error::Version { .. } | Error::Limit(_))) => Err(error),
            // Damaged, or something else that looks like one.
            Err(_) => Ok(()),
        }
    }

    fn add(&mut self, block: Block, body_len: u64) -> Result<()> {
        let entries = block.index.files.len() + block.index.tensors.len();
        self.index_bytes += body_len;
        self.entries += entries as u64;
        // As much as an index may have of each.
        let counts = [
            (Limited::Index, self.index_bytes, self.limits.index),
            (
                Limited::Tensors,
                self.entries,
                self.limits.tensors.saturating_mul(2),
            ),
        ];
        if let Some(&(what, asked, limit)) = counts.iter().find(|(_, asked, limit)| asked > limit) {
            return Err(Error::Limit(LimitExceeded {
                what,
                asked,
                limit,
                file_bytes: self.source.size(),
                name: None,
            }));
        }
        let offset = block.offset;
        let group = self.groups.entry(block.first_crc).or_default();
        if !group.take(block) {
            self.ignored.push(offset);
        }
        Ok(())
    }

    /// The index of the file that most of the payload is of: of another there may be a rest, from before it
    /// was written over.
    fn best(self) -> Option<RecoveredIndex> {
        let first = |group: &Group| group.blocks.first().map_or(u64::MAX, |block| block.offset);
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by_key(|group| (Reverse(group.payload), first(group)));
        let mut groups = groups.into_iter();
        let best = groups.next()?;
        let mut ignored = self.ignored;
        ignored.extend(
            groups
                .flat_map(|group| group.blocks)
                .map(|block| block.offset),
        );
        ignored.sort_unstable();
        RecoveredIndex::of(best, ignored)
    }
}
