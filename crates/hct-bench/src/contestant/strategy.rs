//! Our strategies, on a whole model or on one matrix.

use anyhow::Result;
use hct_model::compress;
use hct_strategies::{Preset, SpecBuilder, Strategy, StrategyName, StrategySpec};

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
    /// A strategy as specified.
    ///
    /// # Panics
    /// When the options do not belong together: settings of tables are fixed.
    pub fn specified(setting: String, spec: SpecBuilder) -> Self {
        Self::specified_for(setting, spec, [])
    }

    /// A strategy as specified, for a checkpoint with tensors of these names.
    ///
    /// # Panics
    /// As [`Ours::specified`].
    pub fn specified_for<'a>(
        setting: String,
        spec: SpecBuilder,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match spec.finish().and_then(|spec| spec.build(names)) {
            Ok(encoder) => Self::boxed(setting, encoder),
            Err(e) => panic!("{setting}: {e}"),
        }
    }

    /// A strategy that no specification describes.
    pub fn new(setting: String, encoder: impl Strategy + Send + 'static) -> Self {
        Self::boxed(setting, Box::new(encoder))
    }

    fn boxed(setting: String, encoder: Box<dyn Strategy + Send>) -> Self {
        Self {
            label: Label {
                setting,
                ..Label::of(encoder.name())
            },
            encoder,
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

    /// What codes tensors.
    pub fn encoder(&self) -> &dyn Strategy {
        &*self.encoder
    }

    /// `uniform` at a retention.
    pub fn uniform(retention: f64) -> Self {
        let spec = StrategySpec::builder(StrategyName::Uniform).retention(retention);
        Self::specified(format!("retention {retention:.2}"), spec)
    }

    /// `rdo` at a cosine.
    pub fn rdo(cosine: f64) -> Self {
        let spec = StrategySpec::builder(StrategyName::Rdo).cosine(cosine);
        Self::specified(format!("cosine {cosine}"), spec)
    }

    /// `lossless`.
    pub fn lossless() -> Self {
        Self::specified(String::new(), StrategySpec::builder(StrategyName::Lossless))
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
