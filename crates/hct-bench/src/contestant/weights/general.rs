//! General compressors on the bytes as they are.

use anyhow::{Context, Result};

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

/// zstd at a level.
pub struct ZstdBytes(pub i32);

impl Contestant<Weights> for ZstdBytes {
    fn label(&self) -> Label {
        Label::of(&format!("zstd −{}", self.0))
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let bytes = zstd::bulk::compress(weights.bytes(), self.0).context("zstd")?;
        Ok(CodedWeights::Bytes(bytes))
    }

    fn decode(&self, coded: &CodedWeights, weights: &Weights) -> Result<Decoded> {
        let len = weights.bytes().len();
        let bytes = zstd::bulk::decompress(coded.bytes()?, len).context("zstd")?;
        Ok(Decoded::Bytes(bytes))
    }
}

/// LZ4's block format.
pub struct Lz4;

impl Contestant<Weights> for Lz4 {
    fn label(&self) -> Label {
        Label::of("LZ4")
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let bytes = lz4_flex::block::compress(weights.bytes());
        Ok(CodedWeights::Bytes(bytes))
    }

    fn decode(&self, coded: &CodedWeights, weights: &Weights) -> Result<Decoded> {
        let len = weights.bytes().len();
        Ok(Decoded::Bytes(lz4_flex::block::decompress(
            coded.bytes()?,
            len,
        )?))
    }
}
