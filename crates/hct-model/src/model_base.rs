//! An HCT file as the base of others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hct_core::ReadAt;

use crate::base::source::{Bytes, Source};
use crate::base::{Base, MAX_BASE_CHAIN};
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Bytes of decoded tensors that are kept for more to be read of them: those of one batch, whose
/// tensors are decoded at the same time, and of another that begins.
const KEPT: usize = 128 << 20;

impl Base {
    /// What an HCT file decodes to, which may itself be coded against a base that it has been
    /// given.
    ///
    /// # Errors
    /// When the file lacks its base, or is the last of [`MAX_BASE_CHAIN`] in a row.
    pub fn model<R: ReadAt + Send + 'static>(model: HctModel<R>) -> Result<Base, Error> {
        let chain = match (model.needs_base(), model.base()) {
            (false, _) => 1,
            (true, Some(base)) => base.chain() + 1,
            (true, None) => return Err(model.needed_base().missing()),
        };
        let name = model.name().to_owned();
        // What is coded against it is one more.
        if chain >= MAX_BASE_CHAIN {
            return Err(Error::BaseChain {
                path: name,
                limit: MAX_BASE_CHAIN,
            });
        }
        Ok(Base::new(name, Box::new(OfModel::new(model)), chain))
    }
}

/// An HCT file, whose tensors are decoded whole, once for all that is read of them in a row.
struct OfModel<R> {
    model: HctModel<R>,
    /// The last tensors decoded, the oldest first.
    kept: Mutex<VecDeque<(usize, Arc<Vec<u8>>)>>,
}

impl<R: ReadAt> OfModel<R> {
    fn new(model: HctModel<R>) -> Self {
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
