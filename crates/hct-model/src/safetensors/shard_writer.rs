//! Writing one safetensors file.

use std::io::Write;
use std::path::PathBuf;

use crate::error::Error;
use crate::header::Header;

/// A safetensors file that is being written, front to back.
pub struct ShardWriter<W> {
    path: PathBuf,
    header: Header,
    out: W,
    /// Bytes of data written so far, the header not included.
    written: u64,
}

impl<W: Write> ShardWriter<W> {
    /// Begins the file; `path` names it in messages.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(path: impl Into<PathBuf>, header: Header, mut out: W) -> Result<Self, Error> {
        let path = path.into();
        let prefix = (header.header_bytes().len() as u64).to_le_bytes();
        out.write_all(&prefix)
            .and_then(|()| out.write_all(header.header_bytes()))
            .map_err(Error::io("write", &path))?;
        Ok(ShardWriter {
            path,
            header,
            out,
            written: 0,
        })
    }

    /// Appends bytes of tensor `number` of the header: all of them, or the next few of a stream.
    /// Tensors are written in the order of the header's [`Header::tensors`]; empty ones may be left
    /// out.
    ///
    /// # Errors
    /// When it is another tensor's turn, the tensor has fewer bytes, or they cannot be written.
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
        self.out
            .write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Makes sure the file is complete, and gives the writer back.
    ///
    /// # Errors
    /// When bytes are missing, or the last ones cannot be written.
    pub fn finish(mut self) -> Result<W, Error> {
        let tensors = self.header.tensors();
        if let Some(tensor) = tensors.iter().find(|t| t.range.end > self.written) {
            let missing = tensor.range.end - self.written.max(tensor.range.start);
            return Err(Error::TooFewBytes {
                tensor: tensor.info.name.clone(),
                file: self.path,
                missing,
            });
        }
        self.out.flush().map_err(Error::io("write", &self.path))?;
        Ok(self.out)
    }
}
