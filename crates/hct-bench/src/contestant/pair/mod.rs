//! Fine-tunes as contestants code them, with their base at hand or without.

mod ours;
mod xor_zstd;

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Result;
use hct_model::{Base, Error, HctFile, TensorInfo, TensorSource};

use super::{CodedModel, Subject};
use crate::pair::Pair;
pub use ours::{Alone, OnBase};
pub use xor_zstd::XorZstd;

/// What a contestant makes of a fine-tune.
pub enum CodedPair {
    /// An HCT file, and the base that it needs.
    File(CodedModel<'static>, Option<Arc<Base>>),
    /// One stream for all tensors.
    Stream(Vec<u8>),
}

impl Subject for Pair {
    type Coded<'s> = CodedPair;
    type Decoded<'c> = DecodedPair;
}

impl CodedPair {
    /// Bytes of the whole model.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File(file, _) => file.bytes(),
            Self::Stream(bytes) => bytes.len() as u64,
        }
    }
}

/// The tensors of a coded fine-tune.
pub enum DecodedPair {
    /// Decoded from an HCT file as they are read.
    File(Box<HctFile>),
    /// In memory, in the order of the fine-tune's.
    Memory(InMemory),
}

impl DecodedPair {
    fn of(file: &CodedModel<'_>, base: Option<&Arc<Base>>) -> Result<Self> {
        let file = file.open()?;
        Ok(Self::File(Box::new(match base {
            Some(base) => file.with_base(Arc::clone(base)),
            None => file,
        })))
    }

    /// The tensors.
    pub fn source(&self) -> &dyn TensorSource {
        match self {
            Self::File(file) => &**file,
            Self::Memory(tensors) => tensors,
        }
    }
}

/// Tensors in memory.
pub struct InMemory {
    tensors: Vec<TensorInfo>,
    bytes: Vec<Vec<u8>>,
}

impl TensorSource for InMemory {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        Ok(Cow::Borrowed(&self.bytes[index]))
    }
}
