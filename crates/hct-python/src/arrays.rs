//! Arrays of a Python program as a checkpoint of one shard.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hct_core::{Dtype, FileKind};
use hct_model::{CarriedFile, CheckpointSource, Error, Header, TensorInfo, TensorSource};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::errors::{Class, raised};

/// The name that the shard has when it is restored.
const SHARD: &str = "model.safetensors";
/// Bytes of a safetensors file before its header.
const PREFIX: u64 = 8;

/// Tensors whose bytes are asked of Python one at a time, so that there is never a second copy of all.
pub struct Arrays {
    name: PathBuf,
    header: Header,
    tensors: Vec<TensorInfo>,
    files: [CarriedFile; 1],
    read: Py<PyAny>,
}

impl Arrays {
    /// Tensors of these names, safetensors dtypes and shapes, in this order. `read` gives the
    /// little-endian, row-major bytes of one by its number.
    pub fn new(
        tensors: Vec<(String, String, Vec<u64>)>,
        metadata: Vec<(String, String)>,
        read: Py<PyAny>,
    ) -> PyResult<Arrays> {
        let infos = tensors.into_iter().map(|(name, dtype, shape)| {
            let known = Dtype::from_name(&dtype);
            let dtype = known.ok_or_else(|| {
                Class::Dtype.error(format!("there is no dtype {dtype:?} in safetensors files"))
            })?;
            Ok(TensorInfo { name, dtype, shape })
        });
        let infos: Vec<TensorInfo> = infos.collect::<PyResult<_>>()?;
        let pairs: Vec<(&str, String)> = metadata
            .iter()
            .map(|(key, value)| (&key[..], value.clone()))
            .collect();
        let header = Header::with_metadata(&pairs, &infos).map_err(|reason| {
            raised(Error::Header {
                file: SHARD.into(),
                reason,
            })
        })?;
        let files = [CarriedFile {
            kind: FileKind::Shard,
            path: SHARD.to_owned(),
            len: header.header_bytes().len() as u64,
        }];
        let tensors = header.tensors().iter().map(|t| t.info.clone()).collect();
        Ok(Arrays {
            name: "tensors in memory".into(),
            header,
            tensors,
            files,
            read,
        })
    }

    /// Bytes of all tensors.
    pub fn data_len(&self) -> u64 {
        self.header.data_len()
    }

    fn bytes(&self, index: usize) -> Result<PyBackedBytes, Error> {
        let info = self.info(index)?;
        let given = Python::attach(|py| {
            let bytes = self.read.bind(py).call1((info.name.as_str(),))?;
            bytes.extract::<PyBackedBytes>().map_err(PyErr::from)
        });
        let given = given.and_then(|bytes| match bytes.len() as u64 == info.byte_len() {
            true => Ok(bytes),
            false => Err(Class::Checkpoint.error(format!(
                "tensor {:?} of {} bytes has {} now",
                info.name,
                info.byte_len(),
                bytes.len()
            ))),
        });
        given.map_err(|error| Error::Io {
            action: "read",
            path: self.name.clone(),
            reason: io::Error::other(error),
        })
    }

    fn info(&self, index: usize) -> Result<&TensorInfo, Error> {
        self.tensors.get(index).ok_or_else(|| Error::NoSuchTensor {
            path: self.name.clone(),
            index,
            count: self.tensors.len(),
        })
    }
}

impl TensorSource for Arrays {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        Ok(Cow::Owned(self.bytes(index)?.to_vec()))
    }
}

impl CheckpointSource for Arrays {
    fn name(&self) -> &Path {
        &self.name
    }

    fn total_bytes(&self) -> u64 {
        PREFIX + self.header.header_bytes().len() as u64 + self.header.data_len()
    }

    fn files(&self) -> &[CarriedFile] {
        &self.files
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        match number {
            0 => Ok(Cow::Borrowed(self.header.header_bytes())),
            _ => Err(Error::NoSuchFile {
                path: self.name.clone(),
                number,
                count: self.files.len(),
            }),
        }
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        (index < self.tensors.len()).then_some(0)
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        let bytes = self.bytes(index)?;
        let within = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| bytes.get(start..end));
        let within = within.ok_or_else(|| Error::NoSuchRange {
            file: self.name.clone(),
            tensor: self.tensors[index].name.clone(),
            range: range.clone(),
            len: bytes.len() as u64,
        })?;
        Ok(Cow::Owned(within.to_vec()))
    }
}
