//! Writing a GGUF file.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use super::header::GgufHeader;
use crate::error::Error;

/// A GGUF file that is being written, front to back.
pub struct GgufWriter<W> {
    path: PathBuf,
    header: GgufHeader,
    /// Numbers of the tensors, in the order of their data, and how many are complete.
    order: Vec<usize>,
    complete: usize,
    /// Bytes of the next one that have been written.
    given: u64,
    out: W,
    /// Bytes of data written so far.
    written: u64,
    /// Bytes that the data are to have, padding after the last tensor included.
    data_len: u64,
}

impl<W: Write> GgufWriter<W> {
    /// Begins the file; `path` names it in messages. The last tensor is padded as the others are.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(path: impl Into<PathBuf>, header: GgufHeader, out: W) -> Result<Self, Error> {
        let path = path.into();
        let bytes = header.to_bytes().map_err(Error::gguf(&path))?;
        let data_len = header.data_len();
        Self::of_bytes(path, header, &bytes, data_len, out)
    }

    /// The same with the bytes before the data as they are to be, and as many bytes of data.
    pub(crate) fn of_bytes(
        path: PathBuf,
        header: GgufHeader,
        bytes: &[u8],
        data_len: u64,
        mut out: W,
    ) -> Result<Self, Error> {
        out.write_all(bytes).map_err(Error::io("write", &path))?;
        let mut order = header.by_offset();
        order.retain(|&i| header.tensors[i].byte_len() > 0);
        Ok(GgufWriter {
            path,
            header,
            order,
            complete: 0,
            given: 0,
            out,
            written: 0,
            data_len,
        })
    }

    /// Appends bytes of tensor `number` of the header: all of them, or the next few of a stream. Tensors
    /// come in the order of their data ([`GgufHeader::by_offset`]); empty ones may be left out.
    ///
    /// # Errors
    /// When it is another tensor's turn, the tensor has fewer bytes, or they cannot be written.
    pub fn write(&mut self, number: usize, bytes: &[u8]) -> Result<(), Error> {
        let Some(tensor) = self.header.tensors.get(number) else {
            return Err(Error::NoSuchTensor {
                path: self.path.clone(),
                index: number,
                count: self.header.tensors.len(),
            });
        };
        let (len, offset) = (tensor.byte_len(), tensor.offset);
        if bytes.is_empty() {
            return Ok(());
        }
        let turn = self.order.get(self.complete) == Some(&number);
        let given = if turn { self.given } else { 0 };
        if bytes.len() as u64 > len - given {
            return Err(Error::TooManyBytes {
                file: self.path.clone(),
                tensor: tensor.name.clone(),
                len,
            });
        }
        if !turn {
            return Err(Error::OutOfTurn {
                file: self.path.clone(),
                tensor: tensor.name.clone(),
                written: self.written,
            });
        }
        if given == 0 {
            self.pad_to(offset)?;
        }
        self.out
            .write_all(bytes)
            .map_err(Error::io("write", &self.path))?;
        self.written += bytes.len() as u64;
        self.given += bytes.len() as u64;
        if self.given == len {
            (self.complete, self.given) = (self.complete + 1, 0);
        }
        Ok(())
    }

    /// Makes sure the file is complete, and gives the writer back.
    ///
    /// # Errors
    /// When tensors are missing, or the last bytes cannot be written.
    pub fn finish(mut self) -> Result<W, Error> {
        if let Some(&next) = self.order.get(self.complete) {
            let tensor = &self.header.tensors[next];
            return Err(Error::TooFewBytes {
                missing: tensor.byte_len() - self.given,
                tensor: tensor.name.clone(),
                file: self.path,
            });
        }
        self.pad_to(self.data_len)?;
        self.out.flush().map_err(Error::io("write", &self.path))?;
        Ok(self.out)
    }

    fn pad_to(&mut self, offset: u64) -> Result<(), Error> {
        let missing = offset.saturating_sub(self.written);
        io::copy(&mut io::repeat(0).take(missing), &mut self.out)
            .map_err(Error::io("write", &self.path))?;
        self.written += missing;
        Ok(())
    }
}
