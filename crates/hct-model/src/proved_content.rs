//! Holding what comes back against the hash of what it was.

use hct_core::{BAND_BYTES, ContentHash, ReadAt, Recipe, TensorRecord};

use crate::content_hash::{RunningHash, hash_of};
use crate::error::Error;
use crate::hct_model::HctModel;

/// Whether a tensor comes back bit for bit.
fn is_exact(record: &TensorRecord) -> bool {
    !matches!(record.recipe, Recipe::Fragments { .. })
}

impl<R: ReadAt> HctModel<R> {
    /// The hash of what tensor `number` decodes to, if it comes back bit for bit and has one.
    fn proof_of(&self, number: usize) -> Option<ContentHash> {
        let record = self.index().tensors.get(number)?;
        record.hash.filter(|_| is_exact(record))
    }

    /// Errs where tensor `number`, decoded to `bytes`, is to come back bit for bit and is not what it was,
    /// by its hash. Without a hash nothing tells.
    pub(crate) fn check_content(&self, number: usize, bytes: &[u8]) -> Result<(), Error> {
        match self.proof_of(number) {
            Some(hash) if hash != hash_of(bytes) => Err(self.not_the_original(number)),
            _ => Ok(()),
        }
    }

    /// The same of bytes that come band by band.
    pub(crate) fn content_of_bands(&self, number: usize) -> ContentOfBands<'_, R> {
        ContentOfBands {
            model: self,
            number,
            hash: self
                .proof_of(number)
                .map(|hash| (hash, RunningHash::default())),
        }
    }

    fn not_the_original(&self, number: usize) -> Error {
        Error::NotTheOriginal {
            path: self.name().to_owned(),
            what: format!("tensor {:?}", self.index().tensors[number].name),
        }
    }

    /// Whether tensor `number` comes back bit for bit, has a hash, and needs no base that was not given.
    pub fn can_be_proved(&self, number: usize) -> bool {
        let record = self.index().tensors.get(number);
        record.is_some_and(|record| {
            let decodes = record.base().is_none() || self.base().is_some();
            decodes && self.proof_of(number).is_some()
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
        let mut content = self.content_of_bands(number);
        for band in self.tensor(number)?.bands(BAND_BYTES) {
            content.update(&band.decode()?);
        }
        content.check()
    }
}

/// Holds a tensor that comes band by band against its hash, if it is to come back bit for bit.
pub(crate) struct ContentOfBands<'m, R> {
    model: &'m HctModel<R>,
    number: usize,
    /// What it is to be, and what it is so far.
    hash: Option<(ContentHash, RunningHash)>,
}

impl<R: ReadAt> ContentOfBands<'_, R> {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some((_, running)) = &mut self.hash {
            running.update(bytes);
        }
    }

    /// After all of them.
    ///
    /// # Errors
    /// When they are not what was coded.
    pub fn check(&self) -> Result<(), Error> {
        match &self.hash {
            Some((hash, running)) if running.finish() != *hash => {
                Err(self.model.not_the_original(self.number))
            }
            _ => Ok(()),
        }
    }
}
