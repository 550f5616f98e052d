//! The bytes of an HCT file, on disk or in a Python object.

use std::borrow::Cow;
use std::io;

use hct_core::ReadAt;
use hct_model::FileSource;
use pyo3::pybacked::PyBackedBytes;

/// Where an HCT file is.
pub enum Bytes {
    /// On disk, read by ranges.
    File(FileSource),
    /// In a `bytes` object, which cannot change.
    Memory(PyBackedBytes),
}

impl ReadAt for Bytes {
    fn size(&self) -> u64 {
        match self {
            Bytes::File(file) => file.size(),
            Bytes::Memory(bytes) => bytes[..].size(),
        }
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Bytes::File(file) => file.read_at(offset, len),
            Bytes::Memory(bytes) => bytes[..].read_at(offset, len),
        }
    }
}
