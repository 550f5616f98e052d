//! An HCT file as a source of tensors.

use std::fs::File;
use std::path::{Path, PathBuf};

use hct_core::{FileEntry, FileKind, HctReader, Index, Sections};

use crate::decompress::shards;
use crate::file_source::FileSource;
use crate::packing::unpack;
use crate::{Error, TensorBytes, TensorInfo, TensorSource};

/// Largest carried file that is unpacked; a header may have 100 MB.
const MAX_CARRIED: u64 = 256 << 20;

/// An HCT file opened for reading.
pub struct HctModel {
    path: PathBuf,
    reader: HctReader<FileSource>,
    tensors: Vec<TensorInfo>,
    layers: usize,
}

impl HctModel {
    /// Opens the file and checks its index.
    ///
    /// # Errors
    /// When it cannot be read or is not an HCT V3 file.
    pub fn open(path: impl AsRef<Path>) -> Result<HctModel, Error> {
        let path = path.as_ref().to_owned();
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let source = FileSource::new(file).map_err(Error::io("read", &path))?;
        let reader = HctReader::open(source).map_err(|source| Error::Hct {
            path: path.clone(),
            error: Box::new(source),
        })?;
        let tensors = reader
            .index()
            .tensors
            .iter()
            .map(|t| TensorInfo {
                name: t.name.clone(),
                dtype: t.dtype,
                shape: t.shape.clone(),
            })
            .collect();
        Ok(HctModel {
            path,
            reader,
            tensors,
            layers: usize::MAX,
        })
    }

    /// Decodes only the first `layers` layers (at least one) of every tensor from now on.
    pub fn with_layers(mut self, layers: usize) -> HctModel {
        self.layers = layers.max(1);
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says of itself.
    pub fn index(&self) -> &Index {
        self.reader.index()
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> u64 {
        self.reader.file_bytes()
    }

    /// Bytes of the index.
    pub fn index_bytes(&self) -> u64 {
        self.reader.index_bytes()
    }

    /// Checks that what the carried shard headers say agrees with the tensors' records, so that
    /// the checkpoint can be written back.
    ///
    /// # Errors
    /// When it does not, naming the tensor.
    pub fn check_layout(&self) -> Result<(), Error> {
        shards(self).map(drop)
    }

    /// Checks every checksum of tensor `number` and that all of it decodes.
    ///
    /// # Errors
    /// When something does not; the error names the file and the tensor.
    pub fn verify(&self, number: usize) -> Result<(), Error> {
        self.reader.verify(number).map_err(|e| self.wrap(e))
    }

    /// Where the bytes of tensor `number` go.
    ///
    /// # Errors
    /// When a tile is damaged.
    pub fn sections(&self, number: usize) -> Result<Sections, Error> {
        self.reader.sections(number).map_err(|e| self.wrap(e))
    }

    /// The contents of the side file at `path`, if one is carried.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn side_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.index()
            .files
            .iter()
            .find(|f| f.kind == FileKind::Side && f.path == path)
            .map(|entry| self.carried(entry))
            .transpose()
    }

    /// The contents of a carried file.
    ///
    /// # Errors
    /// When it is damaged or implausibly large.
    pub fn carried(&self, entry: &FileEntry) -> Result<Vec<u8>, Error> {
        let bad = |reason: String| Error::Carried {
            path: self.path.clone(),
            file: entry.path.clone(),
            reason,
        };
        if entry.unpacked_len > MAX_CARRIED {
            return Err(bad(format!("{} bytes are too many", entry.unpacked_len)));
        }
        let stored = self.reader.file(entry).map_err(|e| self.wrap(e))?;
        unpack(&stored, entry.packing, entry.unpacked_len).map_err(bad)
    }

    fn wrap(&self, source: hct_core::Error) -> Error {
        Error::Hct {
            path: self.path.clone(),
            error: Box::new(source),
        }
    }
}

impl TensorSource for HctModel {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<TensorBytes, Error> {
        self.reader
            .tensor(index)
            .and_then(|part| part.layers(self.layers).decode())
            .map(TensorBytes::Owned)
            .map_err(|e| self.wrap(e))
    }
}
