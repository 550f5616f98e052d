//! What an open file needs of its base, whether that has been given or not.

use std::path::Path;

use hct_core::{BaseTensor, Index, TensorRecord};

use crate::base::Base;
use crate::error::Error;

/// A file's need of a base.
#[derive(Clone, Copy)]
pub(crate) struct NeededBase<'m> {
    /// The file.
    pub name: &'m Path,
    pub index: &'m Index,
    pub base: Option<&'m Base>,
}

impl<'m> NeededBase<'m> {
    /// The tensors that are coded against others.
    pub fn tensors(self) -> impl Iterator<Item = (&'m TensorRecord, &'m BaseTensor)> {
        let tensors = self.index.tensors.iter();
        tensors.filter_map(|tensor| Some((tensor, tensor.base()?)))
    }

    /// The error of not having it.
    pub fn missing(self) -> Error {
        Error::NeedsBase {
            path: self.name.to_owned(),
            tensors: self.tensors().count(),
            of: self.index.tensors.len(),
            hint: self.index.base_hint.clone(),
        }
    }

    /// Makes sure of the base of tensor `number`, if it has one.
    pub fn prepare(self, number: usize) -> Result<(), Error> {
        let record = self.index.tensors.get(number);
        let Some((record, wanted)) = record.and_then(|r| Some((r, r.base()?))) else {
            return Ok(());
        };
        let base = self.base.ok_or_else(|| self.missing())?;
        base.prepare(wanted, record.dtype, &record.shape)
    }
}
