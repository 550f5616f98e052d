//! Weights in memory, coded for speed: everything that is to be stored is made within.

mod at_step;
mod blocks;
mod byte_split;
mod exact;
mod general;
mod numbers;
mod strategy;

pub use at_step::AtStep;
pub use blocks::CandleBlocks;
pub use byte_split::ByteSplit;
pub use exact::{Exact, Uniform};
pub use general::{Lz4, ZstdBytes};
pub use numbers::Numbers;

use anyhow::{Result, bail};
use candle_core::quantized::QTensor;
use hct_core::{EncodedTensor, HctReader, HctWriter};

use super::Subject;
use crate::weights::{Decoded, Weights};

/// Weights as a contestant stores them.
pub enum CodedWeights {
    /// Bytes, ours as a file in memory.
    Bytes(Vec<u8>),
    /// Blocks, as candle has them.
    Blocks(QTensor),
}

impl Subject for Weights {
    type Coded<'s> = CodedWeights;
    type Decoded<'c> = Decoded;
}

impl CodedWeights {
    /// A file of one tensor. Checksums are made here, so it belongs to what is timed.
    pub fn file(weights: &Weights, tensor: EncodedTensor, label: &str) -> Result<Self> {
        let mut writer = HctWriter::new(Vec::new())?;
        writer.add_tensor(weights.matrix().meta.clone(), tensor, None, label)?;
        Ok(Self::Bytes(writer.finish()?))
    }

    /// The tensor of a file.
    pub fn decoded(&self) -> Result<Decoded> {
        Ok(Decoded::Bytes(HctReader::open(self.bytes()?)?.decode(0)?))
    }

    /// The bytes, where it is bytes.
    pub fn bytes(&self) -> Result<&Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Blocks(_) => bail!("blocks of another contestant"),
        }
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Blocks(blocks) => blocks.storage_size_in_bytes(),
        }
    }
}
