//! pcodec, which takes numbers rather than bytes.

use anyhow::Result;
use hct_core::Dtype;
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

/// pcodec at its default level: single precision as such, elements of two bytes as integers.
/// Numbers in, numbers out: turning bytes into them is not timed.
pub struct Numbers;

impl Contestant<Weights> for Numbers {
    fn label(&self) -> Label {
        Label::of("pcodec")
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let config = ChunkConfig::default();
        let bytes = match weights.dtype() {
            Dtype::F32 => simple_compress(weights.values(), &config)?,
            _ => simple_compress(weights.words(), &config)?,
        };
        Ok(CodedWeights::Bytes(bytes))
    }

    fn decode(&self, coded: &CodedWeights, weights: &Weights) -> Result<Decoded> {
        Ok(match weights.dtype() {
            Dtype::F32 => Decoded::Values(simple_decompress(coded.bytes()?)?),
            _ => Decoded::Words(simple_decompress(coded.bytes()?)?),
        })
    }
}
