//! A strategy at the quality that gives a file its size.

use std::sync::Arc;

use anyhow::{Result, bail};
use hct_model::compress_to_rate;
use hct_strategies::{Calibration, Plan, StrategyName, StrategySpec};

use super::coded_model::{CodedModel, DecodedModel};
use super::{Contestant, Label};
use crate::model::Model;

/// A strategy at these bits per weight of the whole file.
pub struct AtRate {
    name: String,
    bits_per_weight: f64,
    calibration: Option<Arc<dyn Calibration>>,
}

impl AtRate {
    /// `rdo`.
    pub fn rdo(bits_per_weight: f64) -> Self {
        AtRate {
            name: StrategyName::Rdo.name().into(),
            bits_per_weight,
            calibration: None,
        }
    }

    /// `calibrated` by a calibration that tables call `name`.
    pub fn calibrated(name: &str, bits_per_weight: f64, calibration: Arc<dyn Calibration>) -> Self {
        AtRate {
            name: name.into(),
            bits_per_weight,
            calibration: Some(calibration),
        }
    }
}

impl Contestant<Model> for AtRate {
    fn label(&self) -> Label {
        Label {
            name: self.name.clone(),
            preset: None,
            setting: format!("{:.1} bits per weight", self.bits_per_weight),
        }
    }

    fn encode<'s>(&self, model: &'s Model) -> Result<CodedModel<'s>> {
        let strategy = match self.calibration {
            Some(_) => StrategyName::Calibrated,
            None => StrategyName::Rdo,
        };
        let spec = StrategySpec::builder(strategy).bits_per_weight(self.bits_per_weight);
        let Plan::Rate(plan) = spec.finish()?.plan([], self.calibration.clone())? else {
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
