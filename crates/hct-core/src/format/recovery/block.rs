//! The bytes of a block: docs/FORMAT.md, §20.

use std::ops::Range;

use super::super::index::{Index, Place};
use super::super::limits::Limits;
use super::super::version::{FORMAT_VERSION, check_claim, check_minor};
use crate::wire::Reader;
use crate::{Error, Result};

pub(super) const MAGIC: [u8; 8] = *b"HCT3REC\n";

/// Bytes before the body: magic, offset, length of the body, checksum.
pub(super) const FRAME_LEN: usize = 24;
/// Bytes of the shortest body: what all have, and an index of nothing.
pub(super) const LEAST_BODY: u64 = 13;

/// What comes before the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub body_len: u32,
    pub crc: u32,
}

impl Frame {
    /// The frame in the first bytes of `bytes`, which lie at `offset` of the file; none where these are not
    /// the bytes of a block that is at home there.
    pub fn at(bytes: &[u8], offset: u64) -> Option<Frame> {
        let mut r = Reader::new(bytes, "recovery block");
        let is_here = r.bytes(8).ok()? == MAGIC && r.u64().ok()? == offset;
        is_here.then_some(())?;
        Some(Frame {
            body_len: r.u32().ok()?,
            crc: r.u32().ok()?,
        })
    }

    /// The checksum of a block at `offset`.
    pub fn crc_of(offset: u64, body: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&offset.to_le_bytes());
        crc.update(&(body.len() as u32).to_le_bytes());
        crc.update(body);
        crc.finalize()
    }
}

/// A block, read.
#[derive(Debug)]
pub(super) struct Block {
    /// Where it lies in the file.
    pub offset: u64,
    /// Bytes of all of it.
    pub len: u64,
    /// The checksum of the first block of the file, its own if it is the first: what tells the blocks of a file
    /// from those of another one.
    pub first_crc: u32,
    /// The minor version that it says.
    pub minor: u16,
    /// Whether no other follows.
    pub last: bool,
    /// Carried files before those of the block.
    pub files_before: u64,
    /// Tensors before those of the block.
    pub tensors_before: u64,
    /// Entries of the index that are of the block; shards are numbered as in the whole file.
    pub index: Index,
}

impl Block {
    /// Reads the body of a block at `offset`, whose checksum is checked first.
    pub fn read(
        frame: Frame,
        body: &[u8],
        offset: u64,
        limits: &Limits,
        file_bytes: u64,
    ) -> Result<Block> {
        let computed = Frame::crc_of(offset, body);
        if computed != frame.crc {
            return Err(Error::Checksum {
                what: "the block".into(),
                stored: frame.crc,
                computed,
            });
        }
        let mut r = Reader::new(body, "recovery block");
        let of_first = r.u32()?;
        let minor = r.u16()?;
        check_minor(minor, FORMAT_VERSION.1)?;
        let last = match r.u8()? {
            0 => false,
            1 => true,
            value => {
                return Err(Error::Reserved {
                    field: "flags of a recovery block",
                    value: value.into(),
                });
            }
        };
        let (files_before, tensors_before) = (r.varint()?, r.varint()?);
        let place = Place {
            payload_end: offset,
            files_before,
            file_bytes,
        };
        let index = Index::read_part(&mut r, place, limits)?;
        r.finish()?;
        check_claim(minor, index.since())?;
        let first_crc = match (files_before, tensors_before, of_first) {
            (0, 0, 0) => frame.crc,
            (0, 0, _) => return Err(Error::invalid("first block", "refers to another")),
            (_, _, of_first) => of_first,
        };
        Ok(Block {
            offset,
            len: (FRAME_LEN + body.len()) as u64,
            first_crc,
            minor,
            last,
            files_before,
            tensors_before,
            index,
        })
    }

    /// Where its bytes end in the file.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }

    /// Files and tensors of the file up to its end.
    pub fn entries_end(&self) -> (u64, u64) {
        let (files, tensors) = (self.index.files.len(), self.index.tensors.len());
        (
            self.files_before.saturating_add(files as u64),
            self.tensors_before.saturating_add(tensors as u64),
        )
    }

    /// Errs unless it has entries whose payload lies behind `start`, where the block before it ends.
    pub fn check_place(&self, start: u64) -> Result<()> {
        let Index { files, tensors, .. } = &self.index;
        if files.is_empty() && tensors.is_empty() {
            return Err(Error::invalid("recovery block", "has no entries"));
        }
        let before = |range: Range<u64>| !range.is_empty() && range.start < start;
        match self.index.ranges().any(before) {
            true => Err(Error::invalid(
                "recovery block",
                "is of what lies before another one",
            )),
            false => Ok(()),
        }
    }
}
