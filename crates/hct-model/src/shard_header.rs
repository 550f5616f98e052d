//! Headers of the files that tensors are in, of either kind, as HCT files carry them.

#[cfg(feature = "fs")]
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use hct_core::FileKind;

use crate::error::Error;
use crate::gguf::{GgufError, GgufHeader, GgufWriter};
use crate::header::{Header, PREFIX_LEN};
use crate::safetensors::ShardWriter;
use crate::tensor_info::TensorInfo;

/// A carried header that has been checked.
pub(crate) enum ShardHeader {
    Safetensors(Header),
    Gguf {
        header: GgufHeader,
        /// Numbers of its tensors in the order of their data.
        order: Vec<usize>,
        /// What came before the data, as it was.
        bytes: Vec<u8>,
        file_len: u64,
    },
}

impl ShardHeader {
    /// Reads the carried header of the file `path`.
    pub fn parse(kind: FileKind, mut carried: Vec<u8>, path: &Path) -> Result<Self, Error> {
        if kind != FileKind::Gguf {
            let header = Header::parse_alone(carried).map_err(Error::header(path))?;
            return Ok(ShardHeader::Safetensors(header));
        }
        let fault = Error::gguf(path);
        let Some((len, bytes)) = carried.split_first_chunk() else {
            return Err(fault(GgufError::HeaderLength));
        };
        let file_len = u64::from_le_bytes(*len);
        let parsed = GgufHeader::parse(bytes, file_len).and_then(|header| {
            header.gaps(file_len)?;
            match header.data_start().min(file_len) == bytes.len() as u64 {
                true => Ok(header),
                false => Err(GgufError::HeaderLength),
            }
        });
        let header = parsed.map_err(fault)?;
        carried.drain(..len.len());
        Ok(ShardHeader::Gguf {
            order: header.by_offset(),
            header,
            bytes: carried,
            file_len,
        })
    }

    /// That of a safetensors file of these tensors and nothing else; `path` names it.
    pub fn of(tensors: &[TensorInfo], path: &Path) -> Result<Self, Error> {
        let header = Header::of(tensors).map_err(Error::header(path))?;
        Ok(ShardHeader::Safetensors(header))
    }

    /// The same with no tensors but those of these names; `path` names the file.
    #[cfg(feature = "fs")]
    pub fn with_only(&self, names: &HashSet<&str>, path: &Path) -> Result<Self, Error> {
        match self {
            ShardHeader::Safetensors(header) => {
                let metadata = header.metadata().iter();
                let metadata: Vec<_> = metadata.map(|(k, v)| (&k[..], v.clone())).collect();
                let infos = header.tensors().iter().map(|t| t.info.clone());
                let infos: Vec<_> = infos.filter(|t| names.contains(&t.name[..])).collect();
                let header = Header::with_metadata(&metadata, &infos);
                Ok(ShardHeader::Safetensors(
                    header.map_err(Error::header(path))?,
                ))
            }
            ShardHeader::Gguf { header, .. } => {
                let tensors = header.tensors.iter();
                let tensors = tensors.filter(|t| names.contains(&t.name[..]));
                let tensors = tensors.map(|t| (t.name.clone(), t.kind, t.shape.clone()));
                let header = GgufHeader::new(header.metadata.clone(), tensors.collect());
                let header = header.map_err(Error::gguf(path))?;
                let bytes = header.to_bytes().map_err(Error::gguf(path))?;
                Ok(ShardHeader::Gguf {
                    order: header.by_offset(),
                    file_len: bytes.len() as u64 + header.data_len(),
                    bytes,
                    header,
                })
            }
        }
    }

    /// The tensors, in the order of their data.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        match self {
            ShardHeader::Safetensors(header) => {
                header.tensors().iter().map(|t| t.info.clone()).collect()
            }
            ShardHeader::Gguf { header, order, .. } => {
                order.iter().map(|&i| header.tensors[i].info()).collect()
            }
        }
    }

    /// The tensors in the order in which they are coded, which is that of the header of a GGUF file.
    pub fn tensors_as_coded(&self) -> Vec<TensorInfo> {
        match self {
            ShardHeader::Safetensors(_) => self.tensors(),
            ShardHeader::Gguf { header, .. } => header.tensors.iter().map(|t| t.info()).collect(),
        }
    }

    /// The `__metadata__` of a safetensors file; none of a GGUF file, whose metadata are no strings.
    pub fn metadata(&self) -> &[(String, String)] {
        match self {
            ShardHeader::Safetensors(header) => header.metadata(),
            ShardHeader::Gguf { .. } => &[],
        }
    }

    /// Bytes of the file.
    pub fn file_len(&self) -> u64 {
        match self {
            ShardHeader::Safetensors(header) => {
                PREFIX_LEN + header.header_bytes().len() as u64 + header.data_len()
            }
            ShardHeader::Gguf { file_len, .. } => *file_len,
        }
    }

    /// Begins to write the file; `name` stands for it in messages.
    pub fn begin<W: Write>(&self, name: &str, out: W) -> Result<ShardFile<'_, W>, Error> {
        Ok(match self {
            ShardHeader::Safetensors(header) => {
                ShardFile::Safetensors(ShardWriter::new(name, header.clone(), out)?)
            }
            ShardHeader::Gguf {
                header,
                order,
                bytes,
                file_len,
            } => {
                let data_len = file_len.saturating_sub(header.data_start());
                let header = header.clone();
                let writer = GgufWriter::of_bytes(name.into(), header, bytes, data_len, out)?;
                ShardFile::Gguf(writer, order)
            }
        })
    }
}

/// A file of tensors that is being written.
pub(crate) enum ShardFile<'a, W> {
    Safetensors(ShardWriter<W>),
    Gguf(GgufWriter<W>, &'a [usize]),
}

impl<W: Write> ShardFile<'_, W> {
    /// Writes all of the next tensor, the one of number `k` in [`ShardHeader::tensors`], or more of it.
    pub fn write(&mut self, k: usize, bytes: &[u8]) -> Result<(), Error> {
        match self {
            ShardFile::Safetensors(writer) => writer.write(k, bytes),
            ShardFile::Gguf(writer, order) => writer.write(order[k], bytes),
        }
    }

    pub fn finish(self) -> Result<W, Error> {
        match self {
            ShardFile::Safetensors(writer) => writer.finish(),
            ShardFile::Gguf(writer, _) => writer.finish(),
        }
    }
}
