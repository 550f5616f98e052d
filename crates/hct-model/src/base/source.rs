//! Reading a base, in whole tensors and in parts.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;
use crate::tensor_info::TensorInfo;

/// Where the bytes of a base come from.
pub(crate) trait Source: Send + Sync {
    fn tensors(&self) -> &[TensorInfo];

    /// Tensor `index`.
    fn read(&self, index: usize) -> Result<Bytes<'_>, Error>;

    /// Gets ready for parts of tensor `index` to be read.
    fn prepare(&self, index: usize) -> Result<(), Error>;

    /// The bytes of tensor `index` from `offset` on that `out` has room for; there are so many.
    fn read_into(&self, index: usize, offset: u64, out: &mut [u8]) -> Result<(), Error>;
}

/// The bytes of a tensor.
pub(crate) enum Bytes<'a> {
    /// The caller's, or the source's.
    Plain(Cow<'a, [u8]>),
    /// Kept for others, too.
    Shared(Arc<Vec<u8>>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Plain(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
        }
    }
}

/// A checkpoint, whose parts can be read as they are.
pub(super) struct OfCheckpoint<C>(pub C);

impl<C: CheckpointSource + Send> Source for OfCheckpoint<C> {
    fn tensors(&self) -> &[TensorInfo] {
        self.0.tensors()
    }

    fn read(&self, index: usize) -> Result<Bytes<'_>, Error> {
        self.0.read(index).map(Bytes::Plain)
    }

    fn prepare(&self, _index: usize) -> Result<(), Error> {
        Ok(())
    }

    fn read_into(&self, index: usize, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let range = offset..offset.saturating_add(out.len() as u64);
        let bytes = self.0.read_range(index, range.clone())?;
        // Any source may be behind it.
        if bytes.len() != out.len() {
            return Err(Error::NoSuchRange {
                file: self.0.name().to_owned(),
                tensor: self.0.tensors()[index].name.clone(),
                range,
                len: bytes.len() as u64,
            });
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }
}
