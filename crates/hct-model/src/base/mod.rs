//! Checkpoints that others are coded against.

pub(crate) mod fault;
mod hash;
pub(crate) mod map;
mod matching;
pub(crate) mod source;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hct_core::{BaseSource, BaseTensor, Dtype};

use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;
use crate::tensor_info::TensorInfo;
pub use fault::BaseFault;
pub(crate) use hash::sha256;
pub use map::{BaseMap, BaseMapError};
pub use matching::BaseMatch;
use source::{OfCheckpoint, Source};

/// Most files that are coded against each other in a row: the first is coded alone, each of the
/// others against the one before it.
pub const MAX_BASE_CHAIN: usize = 8;

/// A checkpoint, or what an HCT file decodes to, that other HCT files are coded against. Whatever
/// is read of it for them has the contents that they name.
pub struct Base {
    name: PathBuf,
    source: Box<dyn Source>,
    by_name: HashMap<String, usize>,
    /// SHA-256 of the tensors, as far as they are known.
    hashes: Vec<OnceLock<[u8; 32]>>,
    /// Files in a row, this one included.
    chain: usize,
}

impl Base {
    /// A checkpoint.
    pub fn checkpoint(source: impl CheckpointSource + Send + 'static) -> Base {
        let name = source.name().to_owned();
        Base::new(name, Box::new(OfCheckpoint(source)), 1)
    }

    pub(crate) fn new(name: PathBuf, source: Box<dyn Source>, chain: usize) -> Base {
        let tensors = source.tensors();
        let names = tensors.iter().enumerate();
        let by_name = names.map(|(i, t)| (t.name.clone(), i)).collect();
        let hashes = tensors.iter().map(|_| OnceLock::new()).collect();
        Base {
            name,
            source,
            by_name,
            hashes,
            chain,
        }
    }

    /// The path of the checkpoint or file, or whatever else names it.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Its tensors, in stored order.
    pub fn tensors(&self) -> &[TensorInfo] {
        self.source.tensors()
    }

    /// Files in a row, this one included.
    pub(crate) fn chain(&self) -> usize {
        self.chain
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The bytes of tensor `index` and what a file says of it.
    pub(crate) fn read(&self, index: usize) -> Result<(BaseTensor, source::Bytes<'_>), Error> {
        let bytes = self.source.read(index)?;
        let hash = *self.hashes[index].get_or_init(|| sha256(&bytes));
        let name = self.tensors()[index].name.clone();
        Ok((BaseTensor { name, sha256: hash }, bytes))
    }

    /// SHA-256 of tensor `index`, which is read for it the first time.
    fn hash(&self, index: usize) -> Result<[u8; 32], Error> {
        match self.hashes[index].get() {
            Some(hash) => Ok(*hash),
            None => Ok(self.read(index)?.0.sha256),
        }
    }

    /// The number of the tensor that `wanted` names, once it is certain to be that.
    pub(crate) fn check(
        &self,
        wanted: &BaseTensor,
        dtype: Dtype,
        shape: &[u64],
    ) -> Result<usize, Error> {
        let wrong = |fault| Error::WrongBase {
            base: self.name.clone(),
            tensor: wanted.name.clone(),
            fault,
        };
        let index = self.find(&wanted.name);
        let index = index.ok_or_else(|| wrong(BaseFault::Missing))?;
        let has = &self.tensors()[index];
        if has.dtype != dtype || has.shape != shape {
            return Err(wrong(BaseFault::Form {
                has_dtype: has.dtype,
                has_shape: has.shape.clone(),
                dtype,
                shape: shape.to_vec(),
            }));
        }
        match self.hash(index)? == wanted.sha256 {
            true => Ok(index),
            false => Err(wrong(BaseFault::Contents)),
        }
    }

    /// Checks the tensor that `wanted` names, and makes parts of it quick to read.
    pub(crate) fn prepare(
        &self,
        wanted: &BaseTensor,
        dtype: Dtype,
        shape: &[u64],
    ) -> Result<(), Error> {
        let index = self.check(wanted, dtype, shape)?;
        self.source.prepare(index)
    }
}

impl BaseSource for Base {
    fn read(
        &self,
        base: &BaseTensor,
        dtype: Dtype,
        shape: &[u64],
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<()> {
        let index = self.check(base, dtype, shape).map_err(io::Error::other)?;
        self.source
            .read_into(index, offset, out)
            .map_err(io::Error::other)
    }
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Base").field(&self.name).finish()
    }
}
