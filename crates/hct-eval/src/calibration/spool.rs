//! Numbers that wait in files.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use crate::Error;
use crate::rows::values;

/// A file of F32 numbers that is being written. It gets its name when it is finished.
pub(super) struct SpoolWriter {
    path: PathBuf,
    unfinished: PathBuf,
    out: BufWriter<File>,
}

impl SpoolWriter {
    pub fn create(path: PathBuf) -> Result<SpoolWriter, Error> {
        let unfinished = path.with_extension("unfinished");
        let file = File::create(&unfinished).map_err(failed("create", &unfinished))?;
        Ok(SpoolWriter {
            path,
            unfinished,
            out: BufWriter::with_capacity(1 << 18, file),
        })
    }

    /// Appends the numbers of `x`.
    pub fn write(&mut self, x: &Tensor) -> Result<(), Error> {
        let values = values(x)?;
        let mut bytes = vec![0; values.len() * 4];
        for (bytes, value) in bytes.as_chunks_mut().0.iter_mut().zip(&*values) {
            *bytes = value.to_le_bytes();
        }
        let written = self.out.write_all(&bytes);
        written.map_err(failed("write", &self.unfinished))
    }

    pub fn finish(mut self) -> Result<(), Error> {
        let done = self.out.flush();
        done.and_then(|()| std::fs::rename(&self.unfinished, &self.path))
            .map_err(failed("write", &self.path))
    }
}

/// The same file, read from its beginning.
pub(super) struct SpoolReader {
    path: PathBuf,
    file: BufReader<File>,
}

impl SpoolReader {
    pub fn open(path: PathBuf) -> Result<SpoolReader, Error> {
        let file = File::open(&path).map_err(failed("open", &path))?;
        Ok(SpoolReader {
            file: BufReader::with_capacity(1 << 18, file),
            path,
        })
    }

    /// The next `rows` × `width` numbers.
    pub fn read(&mut self, rows: usize, width: usize) -> Result<Tensor, Error> {
        let mut bytes = vec![0; rows * width * 4];
        let read = self.file.read_exact(&mut bytes);
        read.map_err(failed("read", &self.path))?;
        let (chunks, _) = bytes.as_chunks();
        let values: Vec<f32> = chunks.iter().map(|&b| f32::from_le_bytes(b)).collect();
        Ok(Tensor::from_vec(values, (rows, width), &Device::Cpu)?)
    }
}

/// For `map_err`: the error of doing something with a file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |reason| {
        let path = path.to_owned();
        hct_model::Error::Io {
            action,
            path,
            reason,
        }
        .into()
    }
}
