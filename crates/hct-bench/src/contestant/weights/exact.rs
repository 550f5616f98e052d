//! Our codings that have no quality to look for.

use anyhow::Result;
use hct_core::EncodedTensor;

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

/// Byte planes, every bit back.
pub struct Exact;

impl Contestant<Weights> for Exact {
    fn label(&self) -> Label {
        Label::of("lossless")
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let tensor = EncodedTensor::lossless(&weights.matrix().meta, weights.bytes())?;
        CodedWeights::file(weights, tensor, "bench")
    }

    fn decode(&self, coded: &CodedWeights, _weights: &Weights) -> Result<Decoded> {
        coded.decoded()
    }
}

/// Uniform V3 at a retention.
pub struct Uniform(pub f64);

impl Contestant<Weights> for Uniform {
    fn label(&self) -> Label {
        Label::of(&format!("uniform V3, retention {:.2}", self.0))
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let tensor = EncodedTensor::uniform(&weights.matrix().meta, weights.bytes(), self.0)?;
        CodedWeights::file(weights, tensor, "bench")
    }

    fn decode(&self, coded: &CodedWeights, _weights: &Weights) -> Result<Decoded> {
        coded.decoded()
    }
}
