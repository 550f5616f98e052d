//! The options, and which strategy has which.

use std::fmt;

use crate::Preset;
use crate::StrategyName::{
    self, Adaptive, Calibrated, Hybrid, HybridLayers, Importance, Mixed, MlpOnly, Rdo, Svd, Uniform,
};

/// An option of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecOption {
    /// Which version of the strategy.
    Preset,
    /// Share of the coefficients to keep, in (0, 1].
    Retention,
    /// Cosine similarity, in (0, 1).
    Cosine,
    /// Relative mean squared error, in (0, 1).
    RelMse,
    /// Step of the whole model in the calibration's measure, in (0, 1).
    Step,
    /// Bits per weight of the whole file, in (0, 64).
    BitsPerWeight,
    /// Cosine similarity of the difference from a base, in (0, 1).
    DeltaCosine,
    /// How hard to look for few bits.
    Effort,
    /// Components of factors, from 1 to 65,536.
    Rank,
    /// Share of the kept coefficients in FP16, in [0, 1].
    Fp16Ratio,
    /// Scores by tensor name.
    ImportanceMap,
    /// Fragments, of which any first ones decode, from 1 to 32.
    Fragments,
}

impl SpecOption {
    /// All options, in the order that specs are written in.
    pub const ALL: &'static [Self] = &[
        SpecOption::Preset,
        SpecOption::Retention,
        SpecOption::Cosine,
        SpecOption::RelMse,
        SpecOption::Step,
        SpecOption::BitsPerWeight,
        SpecOption::DeltaCosine,
        SpecOption::Effort,
        SpecOption::Rank,
        SpecOption::Fp16Ratio,
        SpecOption::ImportanceMap,
        SpecOption::Fragments,
    ];

    /// Those that say how good the result is to be, of which a spec has one at most.
    pub(super) const QUALITIES: [Self; 5] = [
        SpecOption::Cosine,
        SpecOption::RelMse,
        SpecOption::Step,
        SpecOption::BitsPerWeight,
        SpecOption::Retention,
    ];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            SpecOption::Preset => "preset",
            SpecOption::Retention => "retention",
            SpecOption::Cosine => "cosine",
            SpecOption::RelMse => "rel_mse",
            SpecOption::Step => "step",
            SpecOption::BitsPerWeight => "bpw",
            SpecOption::DeltaCosine => "delta_cosine",
            SpecOption::Effort => "effort",
            SpecOption::Rank => "rank",
            SpecOption::Fp16Ratio => "fp16_ratio",
            SpecOption::ImportanceMap => "importance_map",
            SpecOption::Fragments => "fragments",
        }
    }

    /// What it does and what it is unless given, for help texts.
    pub const fn summary(self) -> &'static str {
        match self {
            SpecOption::Preset => {
                "The viable version of a strategy, or the one first described [default: viable]"
            }
            SpecOption::Retention => {
                "Share of the coefficients to keep, above 0 and at most 1, or the quality that \
                 uniform has there [default: 0.98; hybrid-layers: 0.70]"
            }
            SpecOption::Cosine => {
                "Cosine similarity that every lossy tensor reaches, and the median row of \
                 embeddings after their mean is subtracted [default: rdo 0.9998, adaptive 0.99, \
                 others by the retention]"
            }
            SpecOption::RelMse => {
                "Relative mean squared error ‖W−Ŵ‖²/‖W‖² that no lossy tensor exceeds"
            }
            SpecOption::Step => {
                "calibrated: the step of the whole model, in units of the root of the damage that \
                 the calibration predicts [default: 0.00005]"
            }
            SpecOption::BitsPerWeight => "Bits per weight of the whole file, within 1 %",
            SpecOption::DeltaCosine => {
                "With a base: cosine similarity that every lossy tensor's difference from its \
                 base reaches, whatever the quality of the tensor [default: 0.9]"
            }
            SpecOption::Effort => {
                "rdo and what builds on it: how hard to look for the fewest bits [default: \
                 default]"
            }
            SpecOption::Rank => "svd, hybrid: components of the factors, at most [default: 256]",
            SpecOption::Fp16Ratio => {
                "mixed: share of the kept coefficients in FP16 [default: 0.002; classic: 0.1]"
            }
            SpecOption::ImportanceMap => {
                "importance: JSON object of tensor name, glob or /regex/ to a score from 0 to 1"
            }
            SpecOption::Fragments => {
                "Order the bytes of every tensor in N fragments, any first ones of which decode to \
                 an approximation [default: 1]"
            }
        }
    }

    /// What it may be, to follow the word "give".
    pub const fn advice(self) -> &'static str {
        match self {
            SpecOption::Preset => "classic or viable",
            SpecOption::Retention => "a number above 0 and at most 1, such as 0.98",
            SpecOption::Cosine => "a number between 0 and 1, such as 0.995",
            SpecOption::RelMse => "a number between 0 and 1, such as 0.01",
            SpecOption::DeltaCosine => "a number between 0 and 1, such as 0.9",
            SpecOption::Step => "a number between 0 and 1, such as 0.0001",
            SpecOption::BitsPerWeight => "a number of bits above 0 and below 64, such as 3.5",
            SpecOption::Effort => "fast, default or max",
            SpecOption::Rank => "a whole number from 1 to 65536, such as 256",
            SpecOption::Fp16Ratio => "a number from 0 to 1, such as 0.1",
            SpecOption::ImportanceMap => "an object of patterns and scores",
            SpecOption::Fragments => "a whole number from 1 to 32, such as 4",
        }
    }

    /// The strategies that have it.
    pub const fn strategies(self) -> &'static [StrategyName] {
        match self {
            SpecOption::Preset => &[
                Uniform,
                Adaptive,
                Svd,
                Hybrid,
                Mixed,
                Importance,
                MlpOnly,
                HybridLayers,
            ],
            SpecOption::Retention => &[Uniform, Hybrid, Mixed, Importance, MlpOnly, HybridLayers],
            SpecOption::RelMse => &[Svd, Hybrid, Importance, MlpOnly, HybridLayers, Rdo],
            SpecOption::Cosine | SpecOption::DeltaCosine => &[
                Adaptive,
                Svd,
                Hybrid,
                Importance,
                MlpOnly,
                HybridLayers,
                Rdo,
            ],
            SpecOption::BitsPerWeight | SpecOption::Effort => &[
                Adaptive,
                Svd,
                Hybrid,
                Importance,
                MlpOnly,
                HybridLayers,
                Rdo,
                Calibrated,
            ],
            SpecOption::Step => &[Calibrated],
            SpecOption::Rank => &[Svd, Hybrid],
            SpecOption::Fp16Ratio => &[Mixed],
            SpecOption::ImportanceMap => &[Importance],
            SpecOption::Fragments => &[
                Uniform,
                Adaptive,
                Svd,
                Hybrid,
                Mixed,
                Importance,
                MlpOnly,
                HybridLayers,
                Rdo,
            ],
        }
    }

    /// Whether `strategy` has it, under `preset`.
    pub(super) fn belongs(self, strategy: StrategyName, preset: Preset) -> bool {
        self.strategies().contains(&strategy)
            && !(preset == Preset::Classic && self.needs_viable(strategy))
    }

    /// Whether only the viable preset of `strategy` has it.
    pub(super) fn needs_viable(self, strategy: StrategyName) -> bool {
        match self {
            // The share of the energy to keep, as first described.
            SpecOption::Cosine => strategy != Adaptive,
            SpecOption::RelMse
            | SpecOption::BitsPerWeight
            | SpecOption::DeltaCosine
            | SpecOption::Effort => true,
            _ => false,
        }
    }
}

impl fmt::Display for SpecOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
