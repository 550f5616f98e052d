//! Runs of payload bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::source::{ReadAt, read_range};
use crate::wire::{Reader, put_varint};
use crate::{Error, Result};

/// Most bytes of a chunk that are held where they only pass.
const PASSED: u64 = 16 << 20;

/// A checksummed run of payload bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub offset: u64,
    pub len: u64,
    pub crc: u32,
}

impl Chunk {
    #[cfg(feature = "encode")]
    /// The chunk that `bytes` at `offset` make.
    pub fn of(bytes: &[u8], offset: u64) -> Self {
        Chunk {
            offset,
            len: bytes.len() as u64,
            crc: crc32fast::hash(bytes),
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len);
        out.extend_from_slice(&self.crc.to_le_bytes());
    }

    /// Reads a chunk that begins at `offset`, which moves past it.
    pub fn read(r: &mut Reader<'_>, offset: &mut u64) -> Result<Self> {
        let len = r.varint()?;
        let chunk = Chunk {
            offset: *offset,
            len,
            crc: r.u32()?,
        };
        *offset = offset
            .checked_add(len)
            .ok_or_else(|| Error::invalid("chunk length", "runs past the end of any file"))?;
        Ok(chunk)
    }

    /// Checks the checksum of the chunk's bytes, `what` naming them.
    pub fn check(&self, bytes: &[u8], what: impl FnOnce() -> String) -> Result<()> {
        let computed = crc32fast::hash(bytes);
        if computed == self.crc {
            Ok(())
        } else {
            Err(Error::Checksum {
                what: what(),
                stored: self.crc,
                computed,
            })
        }
    }

    /// Gives the chunk's bytes to `take`, some at a time, and checks them at the end, `what` naming them: a chunk
    /// may be as long as it likes.
    pub fn pass(
        &self,
        source: &impl ReadAt,
        what: impl FnOnce() -> String,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut crc = crc32fast::Hasher::new();
        let mut at = 0;
        while at < self.len {
            let len = PASSED.min(self.len - at);
            let bytes = read_range(source, self.offset.saturating_add(at), len)?;
            crc.update(&bytes);
            take(&bytes)?;
            at += len;
        }
        let computed = crc.finalize();
        if computed == self.crc {
            return Ok(());
        }
        Err(Error::Checksum {
            what: what(),
            stored: self.crc,
            computed,
        })
    }

    /// The chunk's bytes from `source`, checked, `what` naming them.
    pub fn fetch<'s>(
        &self,
        source: &'s impl ReadAt,
        what: impl FnOnce() -> String,
    ) -> Result<Cow<'s, [u8]>> {
        let bytes = read_range(source, self.offset, self.len)?;
        self.check(&bytes, what)?;
        Ok(bytes)
    }
}

/// Tells a remote source which chunks will be read.
pub(super) fn expect<'c>(
    source: &impl ReadAt,
    chunks: impl Iterator<Item = &'c Chunk>,
) -> Result<()> {
    if !source.is_remote() {
        return Ok(());
    }
    let ends = |chunk: &Chunk| Some(chunk.offset..chunk.offset.checked_add(chunk.len)?);
    let within = |range: &Range<u64>| !range.is_empty() && range.end <= source.size();
    // What lies outside fails where it is read.
    let ranges: Vec<_> = chunks.filter_map(ends).filter(within).collect();
    source.expect(&ranges).map_err(|source| Error::Io {
        context: "reading the file",
        source,
    })
}

/// Reads `n` chunks that follow each other. Every chunk takes at least 5 bytes of index, which
/// bounds what a lie can allocate.
pub(super) fn read_chunks(r: &mut Reader<'_>, n: u64, offset: &mut u64) -> Result<Vec<Chunk>> {
    if n > (r.remaining() / 5) as u64 {
        return Err(Error::invalid(
            "tile count",
            format!("{n} tiles are not in the index"),
        ));
    }
    (0..n).map(|_| Chunk::read(r, offset)).collect()
}
