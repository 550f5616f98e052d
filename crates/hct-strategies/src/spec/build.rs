//! From a spec to what codes tensors.

use super::error::SpecError;
use super::settings::{COSINE, FP16_RATIO, RANK, RETENTION, StrategySpec, TARGET};
use crate::{
    AdaptiveEncoder, Effort, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, LosslessEncoder, MixedPrecisionEncoder, MlpOnlyEncoder, Quality, RdoEncoder,
    Strategy, StrategyName, SvdEncoder, UniformEncoder,
};

/// What to do with a checkpoint.
#[non_exhaustive]
pub enum Plan {
    /// Code every tensor by one strategy.
    Strategy(Box<dyn Strategy + Send>),
    /// Code to a size, by the strategy at a quality to be found.
    Rate(Box<RatePlan>),
}

/// A strategy that hits a size at one quality or another.
#[derive(Clone, Debug)]
pub struct RatePlan {
    spec: StrategySpec,
    stacks: LayerStacks,
    bits_per_weight: f64,
}

impl RatePlan {
    /// The size: bits per weight of the whole file.
    pub fn bits_per_weight(&self) -> f64 {
        self.bits_per_weight
    }

    /// The strategy at a quality.
    pub fn strategy_at(&self, quality: Quality) -> Box<dyn Strategy + Send> {
        self.spec.strategy_at(Some(quality), &self.stacks)
    }
}

impl StrategySpec {
    /// The strategy, for a checkpoint with tensors of these names. Only `hybrid-layers` looks at
    /// them, to learn which layers are the first and the last: others do with none.
    ///
    /// # Errors
    /// When the spec asks for a size: see [`plan`](Self::plan).
    pub fn build<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Box<dyn Strategy + Send>, SpecError> {
        match self.plan(names) {
            Plan::Strategy(strategy) => Ok(strategy),
            Plan::Rate(_) => Err(SpecError::NeedsPlan),
        }
    }

    /// The strategy, or how to find the one that hits the size asked for; names are as for
    /// [`build`](Self::build).
    pub fn plan<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Plan {
        let stacks = match self.strategy() {
            StrategyName::HybridLayers => LayerStacks::of(names),
            _ => LayerStacks::of([]),
        };
        if let Some(bits_per_weight) = self.0.bits_per_weight {
            return Plan::Rate(Box::new(RatePlan {
                spec: self.clone(),
                stacks,
                bits_per_weight,
            }));
        }
        let cosine = self.0.cosine.map(Quality::Cosine);
        let quality = self.0.rel_mse.map(Quality::RelMse).or(cosine);
        Plan::Strategy(self.strategy_at(quality, &stacks))
    }

    fn strategy_at(
        &self,
        quality: Option<Quality>,
        stacks: &LayerStacks,
    ) -> Box<dyn Strategy + Send> {
        let settings = &self.0;
        let preset = settings.preset_or_default();
        let effort = settings.effort.unwrap_or(Effort::Default);
        let fragments = settings.fragments.unwrap_or(1);
        // Where a quality is given, it counts and this does not.
        let retention = settings.retention.unwrap_or(RETENTION);
        let rank = settings.rank.unwrap_or(RANK);
        /// The options that all builders have.
        macro_rules! common {
            ($encoder:expr) => {
                Box::new($encoder.preset(preset).effort(effort).fragments(fragments))
            };
        }
        /// The same, and the quality where one is given.
        macro_rules! steered {
            ($encoder:expr) => {{
                let encoder = $encoder;
                common!(match quality {
                    Some(quality) => encoder.quality(quality),
                    None => encoder,
                })
            }};
        }
        match settings.strategy {
            StrategyName::Uniform => common!(UniformEncoder::new(retention)),
            StrategyName::Adaptive => common!(AdaptiveEncoder::new(match quality {
                Some(Quality::Cosine(c)) => c,
                Some(Quality::RelMse(d)) => (1.0 - d).sqrt(),
                None => TARGET,
            })),
            StrategyName::Svd => steered!(SvdEncoder::new(rank)),
            StrategyName::Hybrid => steered!(HybridEncoder::new(rank, retention)),
            StrategyName::Mixed => {
                let ratio = settings.fp16_ratio.unwrap_or(FP16_RATIO);
                common!(MixedPrecisionEncoder::new(retention, ratio))
            }
            StrategyName::Importance => {
                let map = settings.importance_map.clone();
                let map = map.unwrap_or_else(ImportanceMap::by_role);
                steered!(ImportanceEncoder::new(retention, map))
            }
            StrategyName::MlpOnly => steered!(MlpOnlyEncoder::new(retention)),
            StrategyName::HybridLayers => {
                steered!(HybridLayersEncoder::new(retention, stacks.clone()))
            }
            StrategyName::Rdo => {
                let quality = quality.unwrap_or(Quality::Cosine(COSINE));
                Box::new(RdoEncoder::new(quality).effort(effort).fragments(fragments))
            }
            StrategyName::Lossless => Box::new(LosslessEncoder),
        }
    }
}
