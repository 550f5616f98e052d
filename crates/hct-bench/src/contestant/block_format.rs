//! The block formats of llama.cpp, every matrix of a model in the same.

use anyhow::Result;
use hct_eval::{RivalFormat, RivalModel};

use super::coded_model::{CodedModel, DecodedModel};
use super::{Contestant, Label};
use crate::model::Model;

/// A block format, as candle's quantizers make it.
pub struct BlockFormat(pub RivalFormat);

impl Contestant<Model> for BlockFormat {
    fn label(&self) -> Label {
        Label::of(self.0.name())
    }

    fn encode<'s>(&self, model: &'s Model) -> Result<CodedModel<'s>> {
        let blocks = RivalModel::new(&model.checkpoint, self.0)?;
        Ok(CodedModel::Blocks(blocks))
    }

    fn decode<'c>(&self, coded: &'c CodedModel<'_>, _model: &Model) -> Result<DecodedModel<'c>> {
        coded.decoded()
    }
}
