//! One safetensors file: its header, and its tensors mapped one at a time.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::MmapOptions;

use crate::header::{MAX_HEADER_LEN, PREFIX_LEN};
use crate::{Error, Header, HeaderError, HeaderTensor, TensorBytes};

/// An open safetensors file of a checkpoint.
pub struct Shard {
    name: String,
    path: PathBuf,
    file: File,
    header: Header,
}

impl Shard {
    /// The file name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The size of the file, header included.
    pub fn file_len(&self) -> u64 {
        self.header.data_start() + self.header.data_len()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open(name: String, path: PathBuf) -> Result<Shard, Error> {
        // Before opening: that of a pipe would wait for a writer.
        if !fs::metadata(&path)
            .map_err(Error::io("open", &path))?
            .is_file()
        {
            return Err(Error::NotAFile { path });
        }
        let mut file = File::open(&path).map_err(Error::io("open", &path))?;
        let header = read_header(&mut file, &path)?;
        Ok(Shard {
            name,
            path,
            file,
            header,
        })
    }

    /// All bytes of tensor `number` of the header.
    pub(super) fn map_whole(&self, number: usize) -> Result<TensorBytes, Error> {
        let Range { start, end } = self.header.tensors()[number].range;
        self.map(number, 0..end - start)
    }

    /// The bytes `range` of tensor `number` of the header.
    pub(super) fn map(&self, number: usize, range: Range<u64>) -> Result<TensorBytes, Error> {
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
        if len == 0 {
            // An empty mapping is an error on some systems.
            return Ok(TensorBytes::Owned(Vec::new()));
        }
        // Cannot overflow: the header was checked against the size of the file.
        let offset = self.header.data_start() + whole.start + range.start;
        let now_len = self
            .file
            .metadata()
            .map_err(Error::io("read", &self.path))?
            .len();
        if now_len < offset + len {
            let (file, tensor) = (self.path.clone(), info.name.clone());
            return Err(Error::Shrank { file, tensor });
        }
        let Some(map_len) = usize::try_from(len)
            .ok()
            .filter(|&len| isize::try_from(len).is_ok())
        else {
            let (file, tensor) = (self.path.clone(), info.name.clone());
            return Err(Error::TooLargeForMachine { file, tensor, len });
        };
        // SAFETY: the mapping is read-only, lies within the file as of just now, and owns what it
        // needs to stay valid after the file is closed. That nobody changes or truncates the file
        // meanwhile cannot be enforced; `Checkpoint::open` asks it of the caller.
        let map = unsafe {
            MmapOptions::new()
                .offset(offset)
                .len(map_len)
                .map(&self.file)
        };
        map.map(TensorBytes::Mapped)
            .map_err(Error::io("map", &self.path))
    }
}

fn read_header(file: &mut File, path: &Path) -> Result<Header, Error> {
    let file_len = file.metadata().map_err(Error::io("read", path))?.len();
    let Some(available) = file_len.checked_sub(PREFIX_LEN) else {
        return Err(HeaderError::FileTooShort { len: file_len }.in_file(path));
    };
    let mut prefix = [0; PREFIX_LEN as usize];
    file.read_exact(&mut prefix)
        .map_err(Error::io("read", path))?;
    let len = u64::from_le_bytes(prefix);
    if len > MAX_HEADER_LEN {
        return Err(HeaderError::TooLarge {
            len,
            limit: MAX_HEADER_LEN,
        }
        .in_file(path));
    }
    let Some(data_len) = available.checked_sub(len) else {
        return Err(HeaderError::PastEndOfFile { len, available }.in_file(path));
    };
    let mut bytes = vec![0; len as usize];
    file.read_exact(&mut bytes)
        .map_err(Error::io("read", path))?;
    Header::parse(bytes, data_len).map_err(|error| error.in_file(path))
}
