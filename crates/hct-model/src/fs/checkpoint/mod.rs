//! A checkpoint on disk: one safetensors or GGUF file, or a folder with a safetensors file or with an
//! index and shards.

mod at_url;
mod index_json;
mod locate;
mod open;
mod side_files;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use hct_core::{BlockType, Dtype, ReadAt};

use super::file_source::FileSource;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::gguf::{Gguf, MAGIC};
use crate::safetensors::{Safetensors, Shard};
use crate::shown::shown;
use crate::source_changed::SourceChanged;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;
use index_json::IndexJson;
use side_files::SideFile;
pub use side_files::{SkipReason, SkippedFile};

/// An open checkpoint whose headers have been read and checked, and found to agree with each
/// other. Tensors are read from their files one at a time; a file that is changed in place after
/// the checkpoint was opened makes that [`Error::Changed`].
pub struct Checkpoint {
    weights: Weights,
    /// The shards, then the side files.
    files: Vec<CarriedFile>,
    side_files: Vec<SideFile>,
    skipped_files: Vec<SkippedFile>,
}

/// Where the tensors are.
enum Weights {
    Safetensors(Safetensors<FileSource>),
    Gguf(Gguf<FileSource>),
}

impl Weights {
    fn source(&self) -> &dyn CheckpointSource {
        match self {
            Weights::Safetensors(source) => source,
            Weights::Gguf(source) => source,
        }
    }
}

impl Checkpoint {
    /// In what state the files are, as text that is another when one has been changed: their names,
    /// lengths and times of modification.
    pub fn state(&self) -> String {
        let of_weights = match &self.weights {
            Weights::Safetensors(safetensors) => {
                let shards = safetensors.shards().iter();
                let named =
                    |shard: &Shard<FileSource>| (shard.name().to_owned(), shard.source().state());
                shards.map(named).collect()
            }
            Weights::Gguf(gguf) => {
                let name = format!("{} {}", gguf.name().display(), gguf.forms());
                vec![(name, gguf.source().state())]
            }
        };
        let sides = self.side_files.iter();
        let sides = sides.map(|side| (side.rel_path.clone(), side.state));
        let lines = of_weights.into_iter().chain(sides);
        let lines = lines.map(|(name, state)| format!("{name:?} {}\n", state.text()));
        lines.collect()
    }

    fn of_gguf(gguf: Gguf<FileSource>) -> Checkpoint {
        Checkpoint {
            files: gguf.files().to_vec(),
            weights: Weights::Gguf(gguf),
            side_files: Vec::new(),
            skipped_files: Vec::new(),
        }
    }

    /// The same with block-quantized tensors as numbers of `dtype` ([`Gguf::dequantized`]).
    ///
    /// # Errors
    /// When it is no GGUF file, or its blocks cannot be numbers of `dtype`.
    pub fn dequantized(self, dtype: Dtype) -> Result<Checkpoint, Error> {
        match self.weights {
            Weights::Gguf(gguf) => Ok(Checkpoint::of_gguf(gguf.dequantized(dtype)?)),
            Weights::Safetensors(source) => Err(Error::NoBlocks {
                path: source.name().to_owned(),
            }),
        }
    }

    /// The GGUF file, if it is one.
    pub fn gguf(&self) -> Option<&Gguf<FileSource>> {
        match &self.weights {
            Weights::Gguf(gguf) => Some(gguf),
            Weights::Safetensors(_) => None,
        }
    }

    /// The files of the folder that are left behind, by path, and why.
    pub fn skipped_files(&self) -> &[SkippedFile] {
        &self.skipped_files
    }
}

impl TensorSource for Checkpoint {
    /// The tensors: file by file in the order of their names, within a file in the order of their
    /// bytes.
    fn tensors(&self) -> &[TensorInfo] {
        self.weights.source().tensors()
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.weights.source().read(index)
    }
}

impl CheckpointSource for Checkpoint {
    /// The file or folder that was opened.
    fn name(&self) -> &Path {
        self.weights.source().name()
    }

    fn total_bytes(&self) -> u64 {
        self.weights.source().total_bytes()
    }

    /// The safetensors files, by name; then the side files, by path.
    fn files(&self) -> &[CarriedFile] {
        &self.files
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        let shards = self.files.len() - self.side_files.len();
        match number.checked_sub(shards).map(|i| self.side_files.get(i)) {
            Some(Some(side)) => read_side_file(side).map(Cow::Owned),
            _ => self.weights.source().read_file(number),
        }
    }

    fn blocks_of(&self, index: usize) -> Option<BlockType> {
        self.weights.source().blocks_of(index)
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        self.weights.source().file_of(index)
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        self.weights.source().read_range(index, range)
    }

    fn is_remote(&self) -> bool {
        self.weights.source().is_remote()
    }
}

/// Whether the file begins as GGUF files do.
fn is_gguf(source: &FileSource, path: &Path) -> Result<bool, Error> {
    let len = source.size().min(MAGIC.len() as u64);
    let start = source.read_at(0, len as usize);
    Ok(start.map_err(Error::reading(path))?[..] == MAGIC[..])
}

/// Reads a side file that is still as it was when the folder was listed.
fn read_side_file(side: &SideFile) -> Result<Vec<u8>, Error> {
    let source = FileSource::open(&side.path)?;
    let bytes = match source.state() == side.state {
        // Together they are at most as long as was checked when the folder was listed.
        true => source.read_at(0, side.state.len as usize),
        false => Err(SourceChanged.into()),
    };
    bytes
        .map(Cow::into_owned)
        .map_err(Error::reading(&shown(&side.path)))
}

/// Checks that every tensor, none of which is in two shards, is where the index says it is.
fn check_index(index: &IndexJson, shards: &[Shard<FileSource>]) -> Result<(), Error> {
    let mut found: HashMap<&str, &str> = HashMap::new();
    for shard in shards {
        for tensor in shard.header().tensors() {
            found.insert(&tensor.info.name, shard.name());
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
