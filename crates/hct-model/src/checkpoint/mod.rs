//! A checkpoint on disk: one safetensors file, or a folder with one or with an index and shards.

mod index_json;
mod locate;
mod shard;
mod side_files;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::{Error, TensorBytes, TensorInfo, TensorSource};
use index_json::IndexJson;
use locate::Located;
pub use shard::Shard;
pub use side_files::{SideFile, SkipReason, SkippedFile};

/// An open checkpoint whose headers have been read and checked, and found to agree with each
/// other. Tensors are mapped from their files one at a time, when they are read.
pub struct Checkpoint {
    path: PathBuf,
    shards: Vec<Shard>,
    tensors: Vec<TensorInfo>,
    /// For each tensor, its shard and its number in that shard.
    places: Vec<(usize, usize)>,
    side_files: Vec<SideFile>,
    skipped_files: Vec<SkippedFile>,
}

impl Checkpoint {
    /// Opens a safetensors file, or a folder that holds one (`model.safetensors`, or the only
    /// one) or an index (`model.safetensors.index.json`, or the only one) with its shards. As in
    /// the transformers library, `model.safetensors` comes before an index.
    ///
    /// The files must not be changed by anyone while the checkpoint is open, nor while bytes read
    /// from it are in use.
    ///
    /// # Errors
    /// When there is no such checkpoint, when it is unclear which file is meant, when a header or
    /// the index is wrong, and when the index and the shards disagree.
    pub fn open(path: impl AsRef<Path>) -> Result<Checkpoint, Error> {
        let path = path.as_ref();
        let Located { dir, shards, index } = locate::locate(path)?;
        let shards = shards
            .into_iter()
            .map(|(name, path)| Shard::open(name, path))
            .collect::<Result<Vec<_>, _>>()?;
        if let (Some(index), Some(dir)) = (&index, &dir) {
            check_index(index, dir, &shards)?;
        }
        let (side_files, skipped_files) = match &dir {
            Some(dir) => side_files::collect(dir, &shards)?,
            None => Default::default(),
        };

        let mut tensors = Vec::new();
        let mut places = Vec::new();
        for (shard_number, shard) in shards.iter().enumerate() {
            for (number, tensor) in shard.header().tensors().iter().enumerate() {
                tensors.push(tensor.info.clone());
                places.push((shard_number, number));
            }
        }
        let path = path.to_owned();
        Ok(Checkpoint {
            path,
            shards,
            tensors,
            places,
            side_files,
            skipped_files,
        })
    }

    /// The file or folder that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The safetensors files, by name; exactly one unless there is an index.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The number (in [`Checkpoint::shards`]) of the file that holds tensor `index`, if there is
    /// such a tensor.
    pub fn shard_of(&self, index: usize) -> Option<usize> {
        self.places.get(index).map(|&(shard, _)| shard)
    }

    /// The size of all safetensors files together, headers included.
    pub fn total_bytes(&self) -> u64 {
        self.shards.iter().map(Shard::file_len).sum()
    }

    /// The other files of the folder that belong with the model (configuration, tokenizer, index,
    /// …), by path. Hidden files and HCT files are not among them, nor are those of
    /// [`Checkpoint::skipped_files`]. Empty when a file was opened.
    pub fn side_files(&self) -> &[SideFile] {
        &self.side_files
    }

    /// The files of the folder that are left behind, by path, and why.
    pub fn skipped_files(&self) -> &[SkippedFile] {
        &self.skipped_files
    }

    /// The bytes `range` of tensor `index`, counted from its first.
    ///
    /// # Errors
    /// When there is no such tensor or range, or the file cannot be mapped.
    pub fn read_range(&self, index: usize, range: Range<u64>) -> Result<TensorBytes, Error> {
        let (shard, number) = self.place(index)?;
        shard.map(number, range)
    }

    fn place(&self, index: usize) -> Result<(&Shard, usize), Error> {
        let &(shard, number) = self.places.get(index).ok_or_else(|| Error::NoSuchTensor {
            path: self.path.clone(),
            index,
            count: self.places.len(),
        })?;
        Ok((&self.shards[shard], number))
    }
}

impl TensorSource for Checkpoint {
    /// The tensors: file by file in the order of their names, within a file in the order of their
    /// bytes.
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<TensorBytes, Error> {
        let (shard, number) = self.place(index)?;
        shard.map_whole(number)
    }
}

/// Checks that every tensor is in exactly the shard where the index says it is.
fn check_index(index: &IndexJson, dir: &Path, shards: &[Shard]) -> Result<(), Error> {
    let mut found: HashMap<&str, &str> = HashMap::new();
    for shard in shards {
        for tensor in shard.header().tensors() {
            if let Some(first) = found.insert(&tensor.info.name, shard.name()) {
                return Err(Error::InTwoShards {
                    dir: dir.to_owned(),
                    tensor: tensor.info.name.clone(),
                    first: first.to_owned(),
                    second: shard.name().to_owned(),
                });
            }
        }
    }
    for (tensor, shard) in &index.weight_map {
        if found.remove(tensor.as_str()) != Some(shard) {
            return Err(Error::NotInShard {
                index: index.path.clone(),
                tensor: tensor.clone(),
                shard: shard.clone(),
            });
        }
    }
    // The smallest name, so that the same checkpoint always gives the same message.
    match found.into_iter().min() {
        None => Ok(()),
        Some((tensor, shard)) => Err(Error::NotInIndex {
            index: index.path.clone(),
            tensor: tensor.to_owned(),
            shard: shard.to_owned(),
        }),
    }
}
