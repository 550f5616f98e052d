//! Our strategies on one tensor.

use anyhow::Result;

use super::super::{Contestant, Label, Ours};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

impl Contestant<Weights> for Ours {
    fn label(&self) -> Label {
        let label = self.label();
        Label::of(&format!("{} {}", label.name, label.setting))
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let coded = self.encoder().encode(weights.matrix().view())?;
        CodedWeights::file(weights, coded.tensor, &coded.label)
    }

    fn decode(&self, coded: &CodedWeights, _weights: &Weights) -> Result<Decoded> {
        coded.decoded()
    }
}
