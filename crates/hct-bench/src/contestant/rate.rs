//! `rdo` at the quality that gives a file its size.

use anyhow::{Result, bail};
use hct_model::compress_to_rate;
use hct_strategies::{Plan, StrategyName, StrategySpec};

use super::coded_model::{CodedModel, DecodedModel};
use super::{Contestant, Label};
use crate::model::Model;

/// `rdo` at these bits per weight of the whole file.
pub struct AtRate(pub f64);

impl Contestant<Model> for AtRate {
    fn label(&self) -> Label {
        Label {
            name: "rdo".into(),
            preset: None,
            setting: format!("{:.1} bits per weight", self.0),
        }
    }

    fn encode<'s>(&self, model: &'s Model) -> Result<CodedModel<'s>> {
        let spec = StrategySpec::builder(StrategyName::Rdo).bits_per_weight(self.0);
        let Plan::Rate(plan) = spec.finish()?.plan([], None)? else {
            bail!("a size is a plan of its own");
        };
        CodedModel::file(|path, options| {
            compress_to_rate(&model.checkpoint, path, false, &plan, options, &())
                .map(|(report, _)| report)
        })
    }

    fn decode<'c>(&self, coded: &'c CodedModel<'_>, _model: &Model) -> Result<DecodedModel<'c>> {
        coded.decoded()
    }
}
