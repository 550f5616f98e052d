//! What comes before the data of a GGUF file.

use std::collections::HashSet;
use std::path::Path;

use hct_core::ReadAt;

use super::MAGIC;
use super::bytes::Bytes;
use super::error::GgufError;
use super::tensor::GgufTensor;
use super::value::GgufValue;
use crate::error::Error;
use crate::header::MAX_TENSORS;

/// To what multiple of bytes tensors are aligned in a file that does not say.
pub(crate) const DEFAULT_ALIGNMENT: u64 = 32;
/// The largest alignment that is read: a large page of memory.
const MAX_ALIGNMENT: u32 = 1 << 21;
/// The longest header that is read, since HCT files carry no longer one.
const MAX_HEADER: u64 = (256 << 20) - 8;
/// Most keys of the metadata; those of models have some dozens.
const MAX_KEYS: u64 = 1 << 16;
/// Bytes of a file that are read first; few headers are longer than some times that.
const FIRST_READ: u64 = 1 << 20;

/// Version, metadata and tensors of a GGUF file, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufHeader {
    /// The version, 2 or 3.
    pub version: u32,
    /// Keys and values, in the order of the file. No key is in it twice.
    pub metadata: Vec<(String, GgufValue)>,
    /// The tensors, in the order of the file. No name is in it twice, no two share bytes.
    pub tensors: Vec<GgufTensor>,
    pub(super) alignment: u64,
    pub(super) data_start: u64,
}

impl GgufHeader {
    /// Reads the header of the file `bytes` is the beginning of, which has `file_len` bytes in all.
    ///
    /// # Errors
    /// When it is no GGUF file or lies; [`GgufError::CutShort`] also where `bytes` end within
    /// the header, with an `end` that the file has.
    pub fn parse(bytes: &[u8], file_len: u64) -> Result<GgufHeader, GgufError> {
        let mut r = Bytes::new(bytes, file_len);
        if r.take(4)? != MAGIC {
            return Err(GgufError::NotGguf);
        }
        let version = r.u32()?;
        match version {
            2 | 3 => {}
            v if matches!(v.swap_bytes(), 1..=3) => return Err(GgufError::BigEndian),
            version => return Err(GgufError::Version { version }),
        }
        let (tensor_count, pairs) = (r.u64()?, r.u64()?);
        // A pair has a length, a type and a byte at least, a tensor all fields but dimensions.
        r.what = "the metadata".into();
        r.expect(pairs, 13)?;
        r.what = "the list of tensors".into();
        r.expect(tensor_count, 24)?;
        for (what, count, limit) in [
            ("keys", pairs, MAX_KEYS),
            ("tensors", tensor_count, MAX_TENSORS as u64),
        ] {
            if count > limit {
                return Err(GgufError::TooMany { what, count, limit });
            }
        }
        let mut metadata = Vec::new();
        let mut keys = HashSet::new();
        for number in 0..pairs {
            r.what = format!("the key of number {number}");
            let key = r.text()?;
            r.what = format!("the key {key:?}");
            let value = GgufValue::read(&mut r, &key)?;
            if !keys.insert(key.clone()) {
                return Err(GgufError::DuplicateKey { key });
            }
            metadata.push((key, value));
        }
        let mut tensors: Vec<GgufTensor> = Vec::new();
        let mut names = HashSet::new();
        for number in 0..tensor_count {
            r.what = format!("the tensor of number {number}");
            let tensor = GgufTensor::read(&mut r)?;
            if !names.insert(tensor.name.clone()) {
                let name = tensor.name;
                return Err(GgufError::DuplicateTensor { name });
            }
            tensors.push(tensor);
        }
        let alignment = alignment(&metadata)?;
        let data_start = r.position().next_multiple_of(alignment);
        let header = GgufHeader {
            version,
            metadata,
            tensors,
            alignment,
            data_start,
        };
        header.check_places(file_len)?;
        Ok(header)
    }

    /// Reads the header of a file; `path` names it in messages.
    ///
    /// # Errors
    /// When it cannot be read, is no GGUF file, or lies.
    pub fn read(source: &impl ReadAt, path: &Path) -> Result<GgufHeader, Error> {
        let file_len = source.size();
        let mut len = FIRST_READ.min(file_len);
        loop {
            let bytes = source
                .read_at(0, len as usize)
                .map_err(Error::reading(path))?;
            match GgufHeader::parse(&bytes, file_len) {
                Err(GgufError::CutShort { end, .. }) if end <= file_len && len < file_len => {
                    if len >= MAX_HEADER {
                        let limit = MAX_HEADER;
                        return Err(Error::gguf(path)(GgufError::HeaderTooLarge { limit }));
                    }
                    len = end.max(4 * len).min(file_len).min(MAX_HEADER);
                }
                parsed => return parsed.map_err(Error::gguf(path)),
            }
        }
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&GgufValue> {
        let pair = self.metadata.iter().find(|(k, _)| k == key);
        pair.map(|(_, value)| value)
    }

    /// To what multiple of bytes tensors are aligned.
    pub fn alignment(&self) -> u64 {
        self.alignment
    }

    /// Where the data begin, in bytes from the start of the file. A file without data may end
    /// before that.
    pub fn data_start(&self) -> u64 {
        self.data_start
    }

    /// Bytes of the data, padding after the last tensor included.
    pub(crate) fn data_len(&self) -> u64 {
        let ends = self.tensors.iter();
        let end = ends.map(|t| t.offset.saturating_add(t.byte_len())).max();
        let end = end.unwrap_or(0);
        end.checked_next_multiple_of(self.alignment).unwrap_or(end)
    }

    /// The numbers of the tensors in the order of their data.
    pub fn by_offset(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tensors.len()).collect();
        // Empty ones come before what lies at the same offset.
        order.sort_by_key(|&i| (self.tensors[i].offset, self.tensors[i].byte_len()));
        order
    }

    /// Errs unless tensors are aligned, within the file and apart.
    fn check_places(&self, file_len: u64) -> Result<(), GgufError> {
        let mut before: Option<&GgufTensor> = None;
        for i in self.by_offset() {
            let tensor = &self.tensors[i];
            let (name, offset) = (|| tensor.name.clone(), tensor.offset);
            if offset % self.alignment != 0 {
                return Err(GgufError::Unaligned {
                    name: name(),
                    offset,
                    alignment: self.alignment,
                });
            }
            let end = self
                .data_start
                .saturating_add(offset)
                .saturating_add(tensor.byte_len());
            // Where nothing follows the header the padding may be missing.
            if end > file_len && tensor.byte_len() > 0 {
                return Err(GgufError::CutShort {
                    what: format!("the tensor {:?}", tensor.name),
                    end,
                    len: file_len,
                });
            }
            let lies_over = |b: &&GgufTensor| b.offset + b.byte_len() > offset;
            if let Some(other) = before.filter(lies_over).filter(|_| tensor.byte_len() > 0) {
                return Err(GgufError::Overlap {
                    name: name(),
                    other: other.name.clone(),
                });
            }
            // Empty ones may lie anywhere.
            if tensor.byte_len() > 0 {
                before = Some(tensor);
            }
        }
        Ok(())
    }

    /// The gaps between tensors and after them, as ranges of bytes of the data of a file of
    /// `file_len` bytes; all are shorter than the alignment.
    pub(crate) fn gaps(&self, file_len: u64) -> Result<Vec<std::ops::Range<u64>>, GgufError> {
        let mut gaps = Vec::new();
        let mut end = 0u64;
        let mut add = |from: u64, to: u64| match to.checked_sub(from) {
            Some(len) if len < self.alignment => {
                if len > 0 {
                    gaps.push(from..to);
                }
                Ok(())
            }
            _ => Err(GgufError::Gap { end: to }),
        };
        for i in self.by_offset() {
            let tensor = &self.tensors[i];
            // Empty tensors may lie anywhere.
            if tensor.byte_len() > 0 {
                add(end, tensor.offset)?;
                end = tensor.offset + tensor.byte_len();
            }
        }
        add(end, file_len.saturating_sub(self.data_start).max(end))?;
        Ok(gaps)
    }
}

fn alignment(metadata: &[(String, GgufValue)]) -> Result<u64, GgufError> {
    let value = metadata.iter().find(|(k, _)| k == "general.alignment");
    match value {
        None => Ok(DEFAULT_ALIGNMENT),
        Some((_, GgufValue::U32(n))) if n.is_power_of_two() && *n <= MAX_ALIGNMENT => {
            Ok((*n).into())
        }
        Some(_) => Err(GgufError::Alignment {
            limit: MAX_ALIGNMENT,
        }),
    }
}
