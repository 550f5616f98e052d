//! Where the bytes of a file come from.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use crate::{Error, Result};

/// Bytes that can be read by range, from several threads: a slice, a file, a remote object.
pub trait ReadAt: Sync {
    /// Total number of bytes.
    fn size(&self) -> u64;

    /// The `len` bytes at `offset`. Callers have checked that they lie within
    /// [`ReadAt::size`].
    ///
    /// # Errors
    /// When the bytes cannot be had.
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>>;

    /// Whether every read is a request to somewhere else. What can be known without is not read then
    /// (the header of a file), and ranges are told before they are read.
    fn is_remote(&self) -> bool {
        false
    }

    /// Says that these ranges will be read, each once, so that a remote source can fetch them together.
    ///
    /// # Errors
    /// When the bytes cannot be had.
    fn expect(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        let _ = ranges;
        Ok(())
    }
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(len)?))
            .map(Cow::Borrowed)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self[..].read_at(offset, len)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> u64 {
        (**self).size()
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        (**self).read_at(offset, len)
    }

    fn is_remote(&self) -> bool {
        (**self).is_remote()
    }

    fn expect(&self, ranges: &[Range<u64>]) -> io::Result<()> {
        (**self).expect(ranges)
    }
}

/// A run of payload bytes, after checking that the source has them.
pub(super) fn read_range(source: &impl ReadAt, offset: u64, len: u64) -> Result<Cow<'_, [u8]>> {
    let end = offset.checked_add(len).filter(|&end| end <= source.size());
    let (Some(_), Ok(len)) = (end, usize::try_from(len)) else {
        return Err(Error::Truncated {
            what: "file",
            needed: offset.saturating_add(len),
            available: source.size(),
        });
    };
    source.read_at(offset, len).map_err(|source| Error::Io {
        context: "reading the file",
        source,
    })
}
