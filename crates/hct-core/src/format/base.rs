//! Tensors of another checkpoint that a file's tensors are coded against.

use std::io;

use super::chunk::Chunk;
use crate::wire::{Reader, put_blob};
use crate::{Dtype, Result};

/// Bytes of a content hash.
const HASH: usize = 32;

/// A tensor of another checkpoint, of the same dtype and shape as the one coded against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseTensor {
    /// Its name there.
    pub name: String,
    /// SHA-256 of its little-endian bytes. Who gives the base checks it: this crate hashes nothing.
    pub sha256: [u8; HASH],
}

impl BaseTensor {
    /// Writes the reference in the record of tensor `name`, whose name is not repeated.
    pub(super) fn write(&self, out: &mut Vec<u8>, name: &str) {
        let own = if self.name == name { "" } else { &self.name };
        put_blob(out, own.as_bytes());
        out.extend_from_slice(&self.sha256);
    }

    /// Inverse of [`BaseTensor::write`].
    pub(super) fn read(r: &mut Reader<'_>, name: &str) -> Result<Self> {
        let own = r.string("name of a base tensor")?;
        let mut sha256 = [0; HASH];
        sha256.copy_from_slice(r.bytes(HASH)?);
        Ok(BaseTensor {
            name: if own.is_empty() { name.to_owned() } else { own },
            sha256,
        })
    }
}

/// Where the tensors are that a file's tensors are coded against.
pub trait BaseSource: Send + Sync {
    /// Fills `out` with bytes of the tensor `base`, little-endian elements of `dtype` in `shape`,
    /// from byte `offset` on.
    ///
    /// # Errors
    /// When there is no such tensor, it is another, or it cannot be read.
    fn read(
        &self,
        base: &BaseTensor,
        dtype: Dtype,
        shape: &[u64],
        offset: u64,
        out: &mut [u8],
    ) -> io::Result<()>;
}

/// How a tensor is cut that is stored as its difference from its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaRecipe {
    /// Bytes of a tile, whole elements; the last tile may be shorter.
    pub(crate) tile_bytes: u64,
    /// What the tiles share.
    pub(crate) common: Chunk,
    pub(crate) tiles: Vec<Chunk>,
}
