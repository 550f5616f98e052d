//! Our trellis quantizer at a step that is known.

use anyhow::Result;
use hct_core::{
    DEFAULT_TILE, EncodedTensor, MatrixView, Preparation, Transform, TrellisAnalysis,
    TrellisSettings,
};

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

/// Values that contexts are learnt from, at most.
const TRAINING: usize = 1 << 18;

/// A trellis of so many states, of which 1 is scalar quantization, at a step; no transform.
pub struct AtStep {
    /// 1, or a power of two from 4 to 512.
    pub states: usize,
    /// Values of a tile, at most.
    pub tile: usize,
    /// In units of the weights.
    pub step: f32,
}

impl AtStep {
    /// The coded matrix.
    pub fn code(&self, matrix: MatrixView<'_>) -> Result<EncodedTensor> {
        let preparation = Preparation {
            tile: self.tile,
            ..Preparation::tiled(Transform::None)
        };
        let settings = TrellisSettings::new(self.states);
        let analysis = TrellisAnalysis::new(matrix, preparation, settings)?;
        let training = analysis.train(self.step, TRAINING);
        let plane = analysis.encode(self.step, &training)?;
        Ok(EncodedTensor::plane(plane))
    }
}

impl Contestant<Weights> for AtStep {
    fn label(&self) -> Label {
        let coder = match self.states {
            1 => "scalar, known step".into(),
            states => format!("trellis of {states} states, known step"),
        };
        Label::of(&match self.tile {
            DEFAULT_TILE => coder,
            tile => format!("{coder}, tiles of {} Ki", tile >> 10),
        })
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let tensor = self.code(weights.matrix().matrix()?)?;
        CodedWeights::file(weights, tensor, "bench")
    }

    fn decode(&self, coded: &CodedWeights, _weights: &Weights) -> Result<Decoded> {
        coded.decoded()
    }
}
