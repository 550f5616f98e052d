//! Checkpoints of safetensors files, wherever their bytes are.

mod shard;
mod shard_writer;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hct_core::{FileKind, ReadAt};

use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::safe_path::{fault_in_file_name, safe_relative_path};
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;
pub(crate) use shard::Shard;
pub use shard_writer::ShardWriter;

/// A checkpoint of one or several safetensors files whose headers have been read and checked.
/// Tensors are read one at a time.
///
/// The files are any [`ReadAt`]: slices, open files, remote objects. The feature `fs` opens what
/// is on disk as a `Checkpoint`.
pub struct Safetensors<R> {
    name: PathBuf,
    shards: Vec<Shard<R>>,
    tensors: Vec<TensorInfo>,
    /// For each tensor, its shard and its number in that shard.
    places: Vec<(usize, usize)>,
    /// The shards, then the side files.
    files: Vec<CarriedFile>,
    side_files: Vec<Vec<u8>>,
}

impl<R: ReadAt> Safetensors<R> {
    /// The checkpoint of these files, each with its name. `name` stands for all of them in
    /// messages.
    ///
    /// # Errors
    /// When a header is wrong, two files have a tensor of the same name, or a file has a name that
    /// could not be restored.
    pub fn new<N: Into<String>>(
        name: impl Into<PathBuf>,
        shards: impl IntoIterator<Item = (N, R)>,
    ) -> Result<Self, Error> {
        let shards = shards.into_iter().map(|(name, source)| {
            let name = name.into();
            let path = PathBuf::from(&name);
            Shard::open(name, path, source)
        });
        Self::of_shards(name.into(), shards.collect::<Result<_, _>>()?)
    }

    pub(crate) fn of_shards(name: PathBuf, shards: Vec<Shard<R>>) -> Result<Self, Error> {
        let mut tensors: Vec<TensorInfo> = Vec::new();
        let mut places = Vec::new();
        let mut files = Vec::new();
        for (number, shard) in shards.iter().enumerate() {
            if let Some(reason) = fault_in_file_name(shard.name()) {
                let path = shard.path().to_owned();
                return Err(Error::FileName { path, reason });
            }
            files.push(CarriedFile {
                kind: FileKind::Shard,
                path: shard.name().to_owned(),
                len: shard.header().header_bytes().len() as u64,
            });
            for (i, tensor) in shard.header().tensors().iter().enumerate() {
                tensors.push(tensor.info.clone());
                places.push((number, i));
            }
        }
        let mut found = HashMap::new();
        for (tensor, &(shard, _)) in tensors.iter().zip(&places) {
            if let Some(first) = found.insert(&tensor.name, shard) {
                let shard_name = |number: usize| shards[number].name().to_owned();
                return Err(Error::InTwoShards {
                    dir: name,
                    tensor: tensor.name.clone(),
                    first: shard_name(first),
                    second: shard_name(shard),
                });
            }
        }
        Ok(Safetensors {
            name,
            shards,
            tensors,
            places,
            files,
            side_files: Vec::new(),
        })
    }

    /// Adds a file to carry along, such as `config.json`.
    ///
    /// # Errors
    /// When `path` could not be restored (see [`safe_relative_path`]).
    pub fn with_side_file(mut self, path: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        safe_relative_path(path)?;
        self.files.push(CarriedFile {
            kind: FileKind::Side,
            path: path.to_owned(),
            len: bytes.len() as u64,
        });
        self.side_files.push(bytes);
        Ok(self)
    }

    #[cfg(feature = "fs")]
    pub(crate) fn shards(&self) -> &[Shard<R>] {
        &self.shards
    }

    fn place(&self, index: usize) -> Result<(&Shard<R>, usize), Error> {
        let &(shard, number) = self.places.get(index).ok_or_else(|| Error::NoSuchTensor {
            path: self.name.clone(),
            index,
            count: self.places.len(),
        })?;
        Ok((&self.shards[shard], number))
    }
}

impl<R: ReadAt> TensorSource for Safetensors<R> {
    /// The tensors: file by file as they were given, within a file in the order of their bytes.
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        let (shard, number) = self.place(index)?;
        shard.read(number)
    }
}

impl<R: ReadAt> CheckpointSource for Safetensors<R> {
    fn name(&self) -> &Path {
        &self.name
    }

    fn total_bytes(&self) -> u64 {
        self.shards.iter().map(Shard::file_len).sum()
    }

    fn files(&self) -> &[CarriedFile] {
        &self.files
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        let bytes = match self.shards.get(number) {
            Some(shard) => Some(shard.header().header_bytes()),
            None => {
                let side_file = self.side_files.get(number - self.shards.len());
                side_file.map(|bytes| &bytes[..])
            }
        };
        bytes.map(Cow::Borrowed).ok_or_else(|| Error::NoSuchFile {
            path: self.name.clone(),
            number,
            count: self.files.len(),
        })
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        self.places.get(index).map(|&(shard, _)| shard)
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        let (shard, number) = self.place(index)?;
        shard.read_range(number, range)
    }

    fn is_remote(&self) -> bool {
        self.shards.iter().any(Shard::is_remote)
    }
}
