//! Holding what comes back against the hash of what it was.

use hct_core::{ReadAt, Recipe, TensorRecord};

use crate::content_hash::hash_of;
use crate::error::Error;
use crate::hct_model::HctModel;

/// Whether a tensor comes back bit for bit.
fn is_exact(record: &TensorRecord) -> bool {
    !matches!(record.recipe, Recipe::Fragments { .. })
}

impl<R: ReadAt> HctModel<R> {
    /// Errs where tensor `number`, decoded to `bytes`, is to come back bit for bit and is not what it was,
    /// by its hash. Without a hash nothing tells.
    pub(crate) fn check_content(&self, number: usize, bytes: &[u8]) -> Result<(), Error> {
        let record = self.index().tensors.get(number);
        match record.filter(|record| is_exact(record)) {
            Some(record) if record.hash.is_some_and(|hash| hash != hash_of(bytes)) => {
                Err(Error::NotTheOriginal {
                    path: self.name().to_owned(),
                    what: format!("tensor {:?}", record.name),
                })
            }
            _ => Ok(()),
        }
    }

    /// Whether tensor `number` comes back bit for bit, has a hash, and needs no base that was not given.
    pub fn can_be_proved(&self, number: usize) -> bool {
        let record = self.index().tensors.get(number);
        record.is_some_and(|record| {
            let decodes = record.base().is_none() || self.base().is_some();
            record.hash.is_some() && is_exact(record) && decodes
        })
    }

    /// How many tensors can be proved.
    pub fn provable_tensors(&self) -> usize {
        let all = 0..self.index().tensors.len();
        all.filter(|&number| self.can_be_proved(number)).count()
    }

    /// Decodes tensor `number` and holds it against its hash.
    ///
    /// # Errors
    /// When it is damaged, needs a base that was not given, or is not what it was.
    pub(crate) fn prove_content(&self, number: usize) -> Result<(), Error> {
        let bytes = self.tensor(number)?.decode()?;
        self.check_content(number, &bytes)
    }
}
