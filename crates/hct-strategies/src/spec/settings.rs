//! What a spec holds, its defaults, and which of it goes together.

use super::error::SpecError;
use super::options::SpecOption;
use crate::{Effort, ImportanceMap, Preset, StrategyName};

/// Retention unless given.
pub(super) const RETENTION: f64 = 0.98;
/// The same of the middle layers of `hybrid-layers`.
const MIDDLE_RETENTION: f64 = 0.70;
/// Cosine of `rdo` unless given: a KL divergence of 0.020 on a model of 135 million weights (README).
pub(super) const COSINE: f64 = 0.9998;
/// Cosine of `adaptive` unless given.
pub(super) const TARGET: f64 = 0.99;
/// Step of `calibrated` unless given.
pub(super) const STEP: f64 = 5e-5;
/// Most components of low-rank factors unless given.
pub(super) const RANK: usize = 256;
/// Share of FP16 of `mixed` unless given: INT4 gains little from more.
pub(super) const FP16_RATIO: f64 = 0.002;
/// The same as first described.
const CLASSIC_FP16_RATIO: f64 = 0.1;

/// A strategy and all of its options, checked: whatever there is can be [built](Self::build).
///
/// ```
/// use hct_strategies::{Effort, StrategyName, StrategySpec};
///
/// let spec = StrategySpec::from_json(r#"{"strategy": "rdo", "cosine": 0.99, "effort": "max"}"#)?;
/// let same = StrategySpec::builder(StrategyName::Rdo).cosine(0.99).effort(Effort::Max).finish()?;
/// assert_eq!(spec, same);
/// assert_eq!(
///     spec.to_json(),
///     r#"{"strategy":"rdo","cosine":0.99,"effort":"max","fragments":1}"#
/// );
/// let strategy = spec.build([])?;
/// assert_eq!(strategy.name(), "rdo");
/// # Ok::<(), hct_strategies::SpecError>(())
/// ```
///
/// # Options
///
/// [`SpecOption`] says what each does and may be, and which strategies have it. One at most of
/// `cosine`, `rel_mse`, `bpw` and `retention` says how good the result is to be. Unless given,
/// options are
///
/// | option | default |
/// |---|---|
/// | `preset` | `viable` |
/// | `retention` | 0.98; `hybrid-layers` 0.70 |
/// | `cosine` | `rdo` 0.9998, `adaptive` 0.99; others go by the retention, `svd` by one of 0.98 |
/// | `step` | 0.00005, for `calibrated` |
/// | `delta_cosine` | 0.9, for tensors with a base |
/// | `effort` | `default` |
/// | `rank` | 256 |
/// | `fp16_ratio` | 0.002, under the classic preset 0.1 |
/// | `importance_map` | scores by role, see [`ImportanceMap::by_role`] |
/// | `fragments` | 1 |
///
/// Defaults are filled in when a spec is made, so that what it says stays true when a later
/// version has others: specs that do the same are equal and have the same JSON. The exception is
/// `delta_cosine`, which says nothing of a checkpoint that is coded alone.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategySpec(pub(super) Settings);

/// What a spec holds, checked or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    pub strategy: StrategyName,
    pub preset: Option<Preset>,
    pub retention: Option<f64>,
    pub cosine: Option<f64>,
    pub rel_mse: Option<f64>,
    pub step: Option<f64>,
    pub bits_per_weight: Option<f64>,
    pub delta_cosine: Option<f64>,
    pub effort: Option<Effort>,
    pub rank: Option<usize>,
    pub fp16_ratio: Option<f64>,
    pub importance_map: Option<ImportanceMap>,
    pub fragments: Option<usize>,
}

impl StrategySpec {
    /// Begins a spec of `strategy`.
    pub fn builder(strategy: StrategyName) -> SpecBuilder {
        SpecBuilder(Settings {
            strategy,
            ..Settings::default()
        })
    }

    /// Which strategy it is.
    pub fn strategy(&self) -> StrategyName {
        self.0.strategy
    }

    /// Which version of it; none where there is but one.
    pub fn preset(&self) -> Option<Preset> {
        self.0.preset
    }

    /// Bits per weight of the whole file, where it asks for a size.
    pub fn bits_per_weight(&self) -> Option<f64> {
        self.0.bits_per_weight
    }
}

/// A spec in the making. Setters take a value, or an `Option` of one.
#[derive(Clone, Debug)]
#[must_use]
pub struct SpecBuilder(pub(super) Settings);

/// Writes the setters.
macro_rules! setters {
    ($($name:ident: $type:ty, $about:literal;)*) => {
        $(
            #[doc = $about]
            pub fn $name(mut self, value: impl Into<Option<$type>>) -> Self {
                self.0.$name = value.into();
                self
            }
        )*
    };
}

impl SpecBuilder {
    setters! {
        preset: Preset, "Which version of the strategy.";
        retention: f64, "The share of the coefficients to keep, in (0, 1].";
        cosine: f64, "The cosine similarity that every lossy tensor reaches, in (0, 1).";
        rel_mse: f64, "The relative mean squared error that no lossy tensor exceeds, in (0, 1).";
        step: f64, "The step of the whole model, in (0, 1).";
        bits_per_weight: f64, "The bits per weight of the whole file, in (0, 64).";
        delta_cosine: f64, "The cosine similarity that the difference of every lossy tensor from its base reaches, in (0, 1).";
        effort: Effort, "How hard to look for few bits.";
        rank: usize, "The most components of factors, from 1 to 65,536.";
        fp16_ratio: f64, "The share of the kept coefficients in FP16, in [0, 1].";
        importance_map: ImportanceMap, "Scores of tensors by name.";
        fragments: usize, "Layers to divide tensors into, from 1 to [`MAX_FRAGMENTS`](crate::MAX_FRAGMENTS).";
    }

    /// The spec, defaults filled in.
    ///
    /// # Errors
    /// When an option belongs to another strategy or preset or is out of range, or two set the
    /// quality.
    pub fn finish(mut self) -> Result<StrategySpec, SpecError> {
        self.0.check()?;
        self.0.fill_in();
        Ok(StrategySpec(self.0))
    }
}

impl Settings {
    fn check(&self) -> Result<(), SpecError> {
        let (strategy, given) = (self.strategy, |option: &SpecOption| self.has(*option));
        for &option in SpecOption::ALL.iter().filter(|&o| given(o)) {
            if !option.strategies().contains(&strategy) {
                return Err(SpecError::OtherStrategy { option, strategy });
            }
            if !option.belongs(strategy, self.preset_or_default()) {
                return Err(SpecError::OtherPreset { option });
            }
            if let Some(number) = self.number(option) {
                option.check(number)?;
            }
        }
        let mut qualities = SpecOption::QUALITIES.into_iter().filter(given);
        match (qualities.next(), qualities.next()) {
            (Some(first), Some(second)) => Err(SpecError::Conflict { first, second }),
            _ => Ok(()),
        }
    }

    fn fill_in(&mut self) {
        let (strategy, preset) = (self.strategy, self.preset_or_default());
        let has = |option: SpecOption| option.belongs(strategy, preset);
        if has(SpecOption::Preset) {
            self.preset = Some(preset);
        }
        if !SpecOption::QUALITIES.into_iter().any(|o| self.has(o)) {
            if has(SpecOption::Retention) {
                self.retention = Some(match strategy {
                    StrategyName::HybridLayers => MIDDLE_RETENTION,
                    _ => RETENTION,
                });
            } else {
                self.cosine = match strategy {
                    StrategyName::Adaptive => Some(TARGET),
                    StrategyName::Rdo => Some(COSINE),
                    _ => None,
                };
                self.step = (strategy == StrategyName::Calibrated).then_some(STEP);
            }
        }
        if has(SpecOption::Effort) {
            self.effort.get_or_insert(Effort::Default);
        }
        if has(SpecOption::Rank) {
            self.rank.get_or_insert(RANK);
        }
        if has(SpecOption::Fp16Ratio) {
            self.fp16_ratio.get_or_insert(match preset {
                Preset::Classic => CLASSIC_FP16_RATIO,
                Preset::Viable => FP16_RATIO,
            });
        }
        self.importance_map = self.importance_map.take().filter(|map| !map.is_empty());
        if has(SpecOption::Fragments) {
            self.fragments.get_or_insert(1);
        }
    }

    pub fn preset_or_default(&self) -> Preset {
        self.preset.unwrap_or(Preset::Viable)
    }

    /// Whether an option is given.
    pub fn has(&self, option: SpecOption) -> bool {
        match option {
            SpecOption::Preset => self.preset.is_some(),
            SpecOption::Effort => self.effort.is_some(),
            SpecOption::ImportanceMap => self.importance_map.is_some(),
            _ => self.number(option).is_some(),
        }
    }

    /// An option that is a number.
    pub fn number(&self, option: SpecOption) -> Option<f64> {
        match option {
            SpecOption::Retention => self.retention,
            SpecOption::Cosine => self.cosine,
            SpecOption::RelMse => self.rel_mse,
            SpecOption::Step => self.step,
            SpecOption::BitsPerWeight => self.bits_per_weight,
            SpecOption::DeltaCosine => self.delta_cosine,
            SpecOption::Rank => self.rank.map(|n| n as f64),
            SpecOption::Fp16Ratio => self.fp16_ratio,
            SpecOption::Fragments => self.fragments.map(|n| n as f64),
            SpecOption::Preset | SpecOption::Effort | SpecOption::ImportanceMap => None,
        }
    }
}
