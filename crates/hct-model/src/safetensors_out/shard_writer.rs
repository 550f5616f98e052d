//! Writing one safetensors file.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{create_beside, persist};
use crate::{Error, Header};

/// A safetensors file that is being written. It gets its name when it is finished; dropped before
/// that, it leaves nothing behind.
pub struct ShardWriter {
    path: PathBuf,
    header: Header,
    file: NamedTempFile,
    /// Bytes of data written so far, the header not included.
    written: u64,
}

impl ShardWriter {
    /// Starts a file that will become `path`, in the same folder.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to.
    pub fn create(path: impl AsRef<Path>, header: Header) -> Result<ShardWriter, Error> {
        let path = path.as_ref();
        let mut file = create_beside(path)?;
        let prefix = (header.header_bytes().len() as u64).to_le_bytes();
        file.write_all(&prefix)
            .and_then(|()| file.write_all(header.header_bytes()))
            .map_err(Error::io("write", path))?;
        Ok(ShardWriter {
            path: path.to_owned(),
            header,
            file,
            written: 0,
        })
    }

    /// Appends bytes of tensor `number` of the header: all of them, or the next few of a stream.
    /// Tensors are written in the order of the header's [`Header::tensors`]; empty ones may be left
    /// out.
    ///
    /// # Errors
    /// When it is another tensor's turn, the tensor has fewer bytes, or the disk is full.
    pub fn write(&mut self, number: usize, bytes: &[u8]) -> Result<(), Error> {
        let Some(tensor) = self.header.tensors().get(number) else {
            return Err(Error::NoSuchTensor {
                path: self.path.clone(),
                index: number,
                count: self.header.tensors().len(),
            });
        };
        let range = &tensor.range;
        let name = || tensor.info.name.clone();
        if self.written < range.start || self.written > range.end {
            let (file, tensor) = (self.path.clone(), name());
            return Err(Error::OutOfTurn {
                file,
                tensor,
                written: self.written,
            });
        }
        if bytes.len() as u64 > range.end - self.written {
            let (file, tensor) = (self.path.clone(), name());
            return Err(Error::TooManyBytes {
                file,
                tensor,
                len: range.end - range.start,
            });
        }
        self.file
            .write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Makes sure the file is complete and on disk, and gives it its name in one step.
    ///
    /// # Errors
    /// When bytes are missing; when there already is such a file and `overwrite` is not set; when
    /// the operating system refuses. The file of that name is then as it was.
    pub fn finish(self, overwrite: bool) -> Result<(), Error> {
        let ShardWriter {
            path,
            header,
            file,
            written,
        } = self;
        if let Some(tensor) = header
            .tensors()
            .iter()
            .find(|tensor| tensor.range.end > written)
        {
            let missing = tensor.range.end - written.max(tensor.range.start);
            return Err(Error::TooFewBytes {
                file: path,
                tensor: tensor.info.name.clone(),
                missing,
            });
        }
        persist(file, &path, overwrite)
    }
}
