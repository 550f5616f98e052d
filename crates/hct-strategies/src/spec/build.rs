//! From a spec to what codes tensors.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::error::SpecError;
use super::settings::{COSINE, FP16_RATIO, RANK, RETENTION, STEP, StrategySpec, TARGET};
use crate::calibrated;
use crate::engine::DELTA_COSINE;
use crate::{
    AdaptiveEncoder, CalibratedEncoder, Calibration, Effort, HybridEncoder, HybridLayersEncoder,
    ImportanceEncoder, ImportanceMap, LayerStacks, LosslessEncoder, MixedPrecisionEncoder,
    MlpOnlyEncoder, Quality, RdoEncoder, Strategy, StrategyName, SvdEncoder, UniformEncoder,
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
#[derive(Clone)]
pub struct RatePlan {
    spec: StrategySpec,
    stacks: LayerStacks,
    bits_per_weight: f64,
    calibration: Option<Arc<dyn Calibration>>,
}

/// Coarsest relative mean squared error: beyond it hardly anything is left of a tensor.
const COARSEST: f64 = 0.9;
/// Finest; float tensors are stored losslessly long before.
const FINEST: f64 = 1e-12;

/// The relative mean squared error at so many octaves.
fn error_at(octaves: f64) -> f64 {
    libm::exp2(octaves).clamp(FINEST, COARSEST)
}

impl RatePlan {
    /// The size: bits per weight of the whole file.
    pub fn bits_per_weight(&self) -> f64 {
        self.bits_per_weight
    }

    /// Where to begin: the logarithm to base 2 of an error at which about the size is reached by a
    /// model of so many weights. Two octaves of it are about a bit.
    pub fn start(&self, weights: u64) -> f64 {
        match self.spec.strategy() {
            StrategyName::Calibrated => calibrated::start(self.bits_per_weight, weights),
            // The usual gap to the Shannon bound.
            _ => -2.0 * (self.bits_per_weight - 0.1),
        }
    }

    /// What [`RatePlan::strategy_at`] may be asked for.
    pub fn limits(&self) -> RangeInclusive<f64> {
        match self.spec.strategy() {
            StrategyName::Calibrated => calibrated::LIMITS,
            _ => libm::log2(FINEST)..=libm::log2(COARSEST),
        }
    }

    /// The spec of [`RatePlan::strategy_at`]: what to ask for to have the same without looking for it.
    pub fn spec_at(&self, octaves: f64) -> StrategySpec {
        self.spec.at(octaves)
    }

    /// The strategy at an error of 2 to the power of `octaves`: the relative mean squared error of
    /// every tensor, which as `rdo` makes of it is one common slope of relative error against rate;
    /// or for `calibrated` the square of the step.
    pub fn strategy_at(&self, octaves: f64) -> Box<dyn Strategy + Send> {
        match self.calibrated_at(octaves) {
            Some(calibrated) => Box::new(calibrated),
            None => {
                let error = error_at(octaves);
                self.spec
                    .strategy_at(Some(Quality::RelMse(error)), &self.stacks)
            }
        }
    }
}

/// Bits per weight that scalar quantization takes more than the trellis of default effort at equal
/// error, from this rate on; measured on models of two kinds and Gaussian values, to 0.005 bit.
const SCOUT_EXCESS: f64 = 0.204;
const FULL_EXCESS_FROM: f64 = 3.0;
/// By how much less per bit below it.
const EXCESS_SLOPE: f64 = 0.012;
/// By how much more against the trellis of maximal effort.
const EXCESS_OF_MAX: f64 = 0.016;

impl RatePlan {
    /// A several times faster strategy than [`RatePlan::strategy_at`], whose size tells that of the
    /// other: it takes [`RatePlan::scout_excess`] more. None where there is none.
    pub fn scout_at(&self, octaves: f64) -> Option<Box<dyn Strategy + Send>> {
        let settings = &self.spec.0;
        let faster = settings.effort != Some(Effort::Fast) && settings.fragments.unwrap_or(1) == 1;
        (settings.strategy == StrategyName::Rdo && faster).then(|| {
            let error = error_at(octaves);
            let mut settings = settings.clone();
            settings.effort = Some(Effort::Fast);
            StrategySpec(settings).strategy_at(Some(Quality::RelMse(error)), &self.stacks)
        })
    }

    /// What tells about how many bytes [`RatePlan::strategy_at`] makes of a tensor, from a part of it: none unless
    /// the strategy is `calibrated`.
    pub fn estimator_at(&self, octaves: f64) -> Option<CalibratedEncoder> {
        self.calibrated_at(octaves)
    }

    fn calibrated_at(&self, octaves: f64) -> Option<CalibratedEncoder> {
        match (self.spec.strategy(), &self.calibration) {
            (StrategyName::Calibrated, Some(calibration)) => {
                Some(self.spec.calibrated(libm::exp2(0.5 * octaves), calibration))
            }
            _ => None,
        }
    }

    /// Bits per weight that the strategy of [`RatePlan::scout_at`] takes more than the one it stands
    /// for, where it takes `bits` of them.
    pub fn scout_excess(&self, bits: f64) -> f64 {
        let below = (FULL_EXCESS_FROM + SCOUT_EXCESS - bits).max(0.0);
        let excess = (SCOUT_EXCESS - EXCESS_SLOPE * below).max(0.0);
        match self.spec.0.effort {
            Some(Effort::Max) => excess + EXCESS_OF_MAX,
            _ => excess,
        }
    }
}

impl StrategySpec {
    /// The same without a size, at an error of 2 to the power of `octaves` as
    /// [`RatePlan::strategy_at`] takes it.
    pub fn at(&self, octaves: f64) -> StrategySpec {
        let mut settings = self.0.clone();
        settings.bits_per_weight = None;
        let error = error_at(octaves);
        match settings.strategy {
            StrategyName::Calibrated => settings.step = Some(libm::exp2(0.5 * octaves)),
            StrategyName::Adaptive => settings.cosine = Some((1.0 - error).sqrt()),
            _ => settings.rel_mse = Some(error),
        }
        StrategySpec(settings)
    }

    /// The strategy, for a checkpoint with tensors of these names. Only `hybrid-layers` looks at
    /// them, to learn which layers are the first and the last: others do with none.
    ///
    /// # Errors
    /// When the spec asks for a size or needs a calibration: see [`plan`](Self::plan).
    pub fn build<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Box<dyn Strategy + Send>, SpecError> {
        match self.plan(names, None)? {
            Plan::Strategy(strategy) => Ok(strategy),
            Plan::Rate(_) => Err(SpecError::NeedsPlan),
        }
    }

    /// The strategy, or how to find the one that hits the size asked for; names are as for
    /// [`build`](Self::build). Only `calibrated` looks at the calibration.
    ///
    /// # Errors
    /// When the strategy needs a calibration and there is none.
    pub fn plan<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        calibration: Option<Arc<dyn Calibration>>,
    ) -> Result<Plan, SpecError> {
        let stacks = match self.strategy() {
            StrategyName::HybridLayers => LayerStacks::of(names),
            _ => LayerStacks::of([]),
        };
        let calibrated = self.strategy() == StrategyName::Calibrated;
        if calibrated && calibration.is_none() {
            return Err(SpecError::NeedsCalibration);
        }
        if let Some(bits_per_weight) = self.0.bits_per_weight {
            return Ok(Plan::Rate(Box::new(RatePlan {
                spec: self.clone(),
                stacks,
                bits_per_weight,
                calibration,
            })));
        }
        let cosine = self.0.cosine.map(Quality::Cosine);
        let quality = self.0.rel_mse.map(Quality::RelMse).or(cosine);
        Ok(Plan::Strategy(match &calibration {
            Some(calibration) if calibrated => {
                Box::new(self.calibrated(self.0.step.unwrap_or(STEP), calibration))
            }
            _ => self.strategy_at(quality, &stacks),
        }))
    }

    fn calibrated(&self, step: f64, calibration: &Arc<dyn Calibration>) -> CalibratedEncoder {
        let effort = self.0.effort.unwrap_or(Effort::Default);
        CalibratedEncoder::new(calibration.clone(), step).effort(effort)
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
        let delta_cosine = settings.delta_cosine.unwrap_or(DELTA_COSINE);
        /// The options that all builders have.
        macro_rules! common {
            ($encoder:expr) => {
                Box::new(
                    $encoder
                        .preset(preset)
                        .effort(effort)
                        .fragments(fragments)
                        .delta_cosine(delta_cosine),
                )
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
            // Without its calibration, which callers see to: as fine as that of the default.
            StrategyName::Rdo | StrategyName::Calibrated => {
                let quality = quality.unwrap_or(Quality::Cosine(COSINE));
                let encoder = RdoEncoder::new(quality).effort(effort).fragments(fragments);
                Box::new(encoder.delta_cosine(delta_cosine))
            }
            StrategyName::Lossless => Box::new(LosslessEncoder),
        }
    }
}
