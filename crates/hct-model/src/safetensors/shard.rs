//! One safetensors file: its header, and its tensors read one at a time.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hct_core::ReadAt;

use crate::error::Error;
use crate::header::{Header, HeaderError, HeaderTensor, MAX_HEADER_LEN, PREFIX_LEN};

/// An open safetensors file of a checkpoint.
pub(crate) struct Shard<R> {
    name: String,
    /// What names it in messages.
    path: PathBuf,
    source: R,
    header: Header,
}

impl<R: ReadAt> Shard<R> {
    /// Reads and checks the header.
    pub fn open(name: String, path: PathBuf, source: R) -> Result<Self, Error> {
        let header = read_header(&source, &path)?;
        Ok(Shard {
            name,
            path,
            source,
            header,
        })
    }

    /// The file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(feature = "fs")]
    pub fn source(&self) -> &R {
        &self.source
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether it is read by requests.
    pub fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    /// The size of the file, header included.
    pub fn file_len(&self) -> u64 {
        self.header.data_start() + self.header.data_len()
    }

    /// All bytes of tensor `number` of the header.
    pub fn read(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        let Range { start, end } = self.header.tensors()[number].range;
        self.read_range(number, 0..end - start)
    }

    /// The bytes `range` of tensor `number` of the header.
    pub fn read_range(&self, number: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        let HeaderTensor { info, range: whole } = &self.header.tensors()[number];
        let whole_len = whole.end - whole.start;
        if range.start > range.end || range.end > whole_len {
            let (file, tensor) = (self.path.clone(), info.name.clone());
            return Err(Error::NoSuchRange {
                file,
                tensor,
                range,
                len: whole_len,
            });
        }
        let len = range.end - range.start;
        // Cannot overflow: the header was checked against the size of the file.
        let offset = self.header.data_start() + whole.start + range.start;
        let Ok(read_len) = usize::try_from(len) else {
            let (file, tensor) = (self.path.clone(), info.name.clone());
            return Err(Error::TooLargeForMachine { file, tensor, len });
        };
        self.source
            .read_at(offset, read_len)
            .map_err(Error::reading(&self.path))
    }
}

fn read_header(source: &impl ReadAt, path: &Path) -> Result<Header, Error> {
    let file_len = source.size();
    let Some(available) = file_len.checked_sub(PREFIX_LEN) else {
        return Err(Error::header(path)(HeaderError::FileTooShort {
            len: file_len,
        }));
    };
    let read = |offset, len| source.read_at(offset, len).map_err(Error::reading(path));
    let len = read(0, PREFIX_LEN as usize)?
        .iter()
        .rev()
        .fold(0, |len, &byte| len << 8 | u64::from(byte));
    if len > MAX_HEADER_LEN {
        let limit = MAX_HEADER_LEN;
        return Err(Error::header(path)(HeaderError::TooLarge { len, limit }));
    }
    let Some(data_len) = available.checked_sub(len) else {
        return Err(Error::header(path)(HeaderError::PastEndOfFile {
            len,
            available,
        }));
    };
    let bytes = read(PREFIX_LEN, len as usize)?;
    Header::parse(bytes.into_owned(), data_len).map_err(Error::header(path))
}
