//! Our strategies, on a whole model or on one matrix.

use anyhow::Result;
use hct_model::compress;
use hct_strategies::{LosslessEncoder, Preset, Quality, RdoEncoder, Strategy, UniformEncoder};

use super::coded_matrix::CodedMatrix;
use super::coded_model::{CodedModel, DecodedModel};
use super::{Contestant, Label};
use crate::matrix::Matrix;
use crate::model::Model;

/// A strategy under certain settings.
pub struct Ours {
    label: Label,
    encoder: Box<dyn Strategy + Send>,
}

impl Ours {
    /// A strategy without presets.
    pub fn new(setting: String, encoder: impl Strategy + Send + 'static) -> Self {
        Self {
            label: Label {
                setting,
                ..Label::of(encoder.name())
            },
            encoder: Box::new(encoder),
        }
    }

    /// The same strategy, said to be of a preset.
    pub fn of_preset(mut self, preset: Preset) -> Self {
        self.label.preset = Some(preset);
        self
    }

    /// What tables call it, whatever it codes.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// `uniform` at a retention.
    pub fn uniform(retention: f64) -> Self {
        let encoder = UniformEncoder::new(retention);
        Self::new(format!("retention {retention:.2}"), encoder)
    }

    /// `rdo` at a cosine.
    pub fn rdo(cosine: f64) -> Self {
        let encoder = RdoEncoder::new(Quality::Cosine(cosine));
        Self::new(format!("cosine {cosine}"), encoder)
    }

    /// `lossless`.
    pub fn lossless() -> Self {
        Self::new(String::new(), LosslessEncoder)
    }
}

impl Contestant<Model> for Ours {
    fn label(&self) -> Label {
        self.label.clone()
    }

    fn encode<'s>(&self, model: &'s Model) -> Result<CodedModel<'s>> {
        CodedModel::file(|path, options| {
            compress(&model.checkpoint, path, false, &*self.encoder, options, &())
        })
    }

    fn decode<'c>(&self, coded: &'c CodedModel<'_>, _model: &Model) -> Result<DecodedModel<'c>> {
        coded.decoded()
    }
}

impl Contestant<Matrix> for Ours {
    fn label(&self) -> Label {
        self.label.clone()
    }

    fn encode(&self, matrix: &Matrix) -> Result<CodedMatrix> {
        let coded = self.encoder.encode(matrix.view())?;
        CodedMatrix::new(matrix, coded.tensor, &coded.label)
    }

    fn decode(&self, coded: &CodedMatrix, _matrix: &Matrix) -> Result<Vec<u8>> {
        coded.decoded()
    }
}
