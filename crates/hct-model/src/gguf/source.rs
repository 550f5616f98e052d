//! A GGUF file as a checkpoint.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hct_core::{BlockType, FileKind, ReadAt};

use super::error::GgufError;
use super::header::GgufHeader;
use super::rounding::read_as;
use super::tensor_type::GgufType;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::safe_path::fault_in_file_name;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// A GGUF file whose header has been read and checked. Tensors are read one at a time, in the order
/// of the header; block-quantized ones as their bytes (see [`super::GgufTensor::info`]).
pub struct Gguf<R> {
    name: PathBuf,
    source: R,
    header: GgufHeader,
    /// What is in the file, where the header shows its blocks as numbers.
    stored: Option<GgufHeader>,
    /// Length of the file, and what comes before its data: what an HCT file carries of it.
    carried: Vec<u8>,
    tensors: Vec<TensorInfo>,
    files: Vec<CarriedFile>,
}

impl<R: ReadAt> Gguf<R> {
    /// Opens a file. `path` stands for it in messages, and its last part is what the file is
    /// called when it is restored.
    ///
    /// # Errors
    /// When it cannot be read, is no GGUF file, lies, or has bytes that belong to no tensor.
    pub fn new(path: impl Into<PathBuf>, source: R) -> Result<Self, Error> {
        let name = path.into();
        let header = GgufHeader::read(&source, &name)?;
        let file_len = source.size();
        let file_name = name.file_name().and_then(|n| n.to_str()).unwrap_or("");
        if let Some(reason) = fault_in_file_name(file_name) {
            return Err(Error::FileName { path: name, reason });
        }
        let read = |at: u64, len: u64| {
            source
                .read_at(at, len as usize)
                .map_err(Error::reading(&name))
        };
        for gap in header.gaps(file_len).map_err(Error::gguf(&name))? {
            // Shorter than the alignment.
            let bytes = read(header.data_start() + gap.start, gap.end - gap.start)?;
            if bytes.iter().any(|&b| b != 0) {
                return Err(Error::gguf(&name)(GgufError::Gap { end: gap.end }));
            }
        }
        let mut carried = file_len.to_le_bytes().to_vec();
        carried.extend_from_slice(&read(0, header.data_start().min(file_len))?);
        let files = vec![CarriedFile {
            kind: FileKind::Gguf,
            path: file_name.to_owned(),
            len: carried.len() as u64,
        }];
        let tensors = header.tensors.iter().map(super::GgufTensor::info).collect();
        Ok(Gguf {
            name,
            source,
            header,
            stored: None,
            carried,
            tensors,
            files,
        })
    }

    /// The same with its tensors shown as those of `header`, one by one.
    pub(super) fn shown_as(self, header: GgufHeader) -> Result<Self, Error> {
        let before = header.to_bytes().map_err(Error::gguf(&self.name))?;
        let len = before.len() as u64 + header.data_len();
        let mut carried = len.to_le_bytes().to_vec();
        carried.extend(before);
        let mut files = self.files;
        files[0].len = carried.len() as u64;
        Ok(Gguf {
            tensors: header.tensors.iter().map(super::GgufTensor::info).collect(),
            stored: Some(self.header),
            header,
            carried,
            files,
            ..self
        })
    }

    /// What the file has of tensors, and as what they are shown, as text that is another where either is.
    #[cfg(feature = "fs")]
    pub(crate) fn forms(&self) -> String {
        if self.stored.is_none() {
            return String::new();
        }
        let kinds = self.header.tensors.iter().map(|t| t.kind.to_string());
        kinds.collect::<Vec<_>>().join(" ")
    }

    #[cfg(feature = "fs")]
    pub(crate) fn source(&self) -> &R {
        &self.source
    }

    /// The header.
    pub fn header(&self) -> &GgufHeader {
        &self.header
    }

    /// Bytes of a tensor as the file has it, which must be within it.
    fn read_stored(
        &self,
        header: &GgufHeader,
        index: usize,
        range: Range<u64>,
    ) -> Result<Cow<'_, [u8]>, Error> {
        let len = range.end - range.start;
        let tensor = &header.tensors[index];
        let Ok(read_len) = usize::try_from(len) else {
            return Err(Error::TooLargeForMachine {
                file: self.name.clone(),
                tensor: tensor.name.clone(),
                len,
            });
        };
        if len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        // Cannot overflow: the header was checked against the size of the file.
        let offset = header.data_start() + tensor.offset + range.start;
        self.source
            .read_at(offset, read_len)
            .map_err(Error::reading(&self.name))
    }

    fn info(&self, index: usize) -> Result<&TensorInfo, Error> {
        self.tensors.get(index).ok_or_else(|| Error::NoSuchTensor {
            path: self.name.clone(),
            index,
            count: self.tensors.len(),
        })
    }
}

impl<R: ReadAt> TensorSource for Gguf<R> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.read_range(index, 0..self.info(index)?.byte_len())
    }
}

impl<R: ReadAt> CheckpointSource for Gguf<R> {
    fn name(&self) -> &Path {
        &self.name
    }

    fn total_bytes(&self) -> u64 {
        self.source.size()
    }

    fn files(&self) -> &[CarriedFile] {
        &self.files
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        match number {
            0 => Ok(Cow::Borrowed(&self.carried)),
            number => Err(Error::NoSuchFile {
                path: self.name.clone(),
                number,
                count: 1,
            }),
        }
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        (index < self.tensors.len()).then_some(0)
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        let info = self.info(index)?;
        let (file, tensor) = (self.name.clone(), info.name.clone());
        let whole_len = info.byte_len();
        if range.start > range.end || range.end > whole_len {
            return Err(Error::NoSuchRange {
                file,
                tensor,
                range,
                len: whole_len,
            });
        }
        let Some(stored) = &self.stored else {
            return self.read_stored(&self.header, index, range);
        };
        let (kind, shown) = (stored.tensors[index].kind, self.header.tensors[index].kind);
        match shown {
            GgufType::Plain(dtype) if shown != kind => {
                let read = |range| self.read_stored(stored, index, range);
                let fault = Error::gguf(&self.name);
                read_as(&tensor, kind, dtype, range, read, fault).map(Cow::Owned)
            }
            _ => self.read_stored(stored, index, range),
        }
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn blocks_of(&self, index: usize) -> Option<BlockType> {
        match self.header.tensors.get(index)?.kind {
            GgufType::Blocks(kind) => Some(kind),
            GgufType::Plain(_) => None,
        }
    }
}
