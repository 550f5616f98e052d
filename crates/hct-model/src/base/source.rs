//! Reading a base, in whole tensors and in parts.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use hct_core::ReadAt;

use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Bytes of decoded tensors that are kept for more to be read of them: those of one batch, whose
/// tensors are decoded at the same time, and of another that begins.
const KEPT: usize = 128 << 20;

/// Where the bytes of a base come from.
pub(super) trait Source: Send + Sync {
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

/// An HCT file, whose tensors are decoded whole, once for all that is read of them in a row.
pub(super) struct OfModel<R> {
    model: HctModel<R>,
    /// The last tensors decoded, the oldest first.
    kept: Mutex<VecDeque<(usize, Arc<Vec<u8>>)>>,
}

impl<R: ReadAt> OfModel<R> {
    pub fn new(model: HctModel<R>) -> Self {
        OfModel {
            model,
            kept: Mutex::default(),
        }
    }

    fn decoded(&self, index: usize) -> Result<Arc<Vec<u8>>, Error> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = kept().iter().find(|(i, _)| *i == index) {
            return Ok(Arc::clone(bytes));
        }
        // Not under the lock: decoding runs in parallel, and what it waits for may want another
        // tensor.
        let bytes = Arc::new(self.model.tensor(index)?.decode()?);
        let mut kept = kept();
        kept.push_back((index, Arc::clone(&bytes)));
        let mut total: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while total > KEPT && kept.len() > 1 {
            total -= kept.pop_front().map_or(0, |(_, bytes)| bytes.len());
        }
        Ok(bytes)
    }
}

impl<R: ReadAt + Send> Source for OfModel<R> {
    fn tensors(&self) -> &[TensorInfo] {
        self.model.tensors()
    }

    fn read(&self, index: usize) -> Result<Bytes<'_>, Error> {
        self.decoded(index).map(Bytes::Shared)
    }

    fn prepare(&self, index: usize) -> Result<(), Error> {
        self.decoded(index).map(drop)
    }

    fn read_into(&self, index: usize, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let bytes = self.decoded(index)?;
        let range = offset..offset.saturating_add(out.len() as u64);
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| bytes.get(start..start.checked_add(out.len())?))
            .ok_or_else(|| Error::NoSuchRange {
                file: self.model.name().to_owned(),
                tensor: self.model.tensors()[index].name.clone(),
                range,
                len: bytes.len() as u64,
            })?;
        out.copy_from_slice(part);
        Ok(())
    }
}
