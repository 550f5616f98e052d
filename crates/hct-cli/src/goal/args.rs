//! Options that say how well a model is still to predict.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::judge::Measured;
use crate::failure::usage;

/// How well, and on what that is measured.
#[derive(Args)]
#[command(next_help_heading = "Measured quality")]
#[group(skip)]
pub struct GoalArgs {
    /// As small as it gets at a quality that is measured by running the model before and after.
    /// Best with --text, --self-text or --calibration
    #[arg(long, value_name = "Q", conflicts_with_all = OTHERS, group = "measured")]
    quality: Option<Level>,
    /// The same up to a mean KL divergence of predictions, in nats
    #[arg(long, value_name = "X", value_parser = positive, conflicts_with_all = OTHERS, group = "measured")]
    max_kld: Option<f64>,
    /// The same up to a perplexity so many times that of the model as it was, such as 1.01
    #[arg(long, value_name = "X", value_parser = above_one, conflicts_with_all = OTHERS, group = "measured")]
    max_ppl_ratio: Option<f64>,
    /// What quality is measured on; may be given several times [default: the last fifth of each
    /// --text, which is then not calibrated on; or what the model writes itself]
    #[arg(long, value_name = "FILE", requires = "measured")]
    pub eval_text: Vec<PathBuf>,
}

/// What says how good the result is to be, besides a goal.
const OTHERS: &[&str] = &[
    "size",
    "bpw",
    "step",
    "cosine",
    "rel_mse",
    "retention",
    "spec",
    "base",
];

/// Qualities with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Small,
    Balanced,
    High,
    NearLossless,
}

impl ValueEnum for Level {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Level::Small,
            Level::Balanced,
            Level::High,
            Level::NearLossless,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Level::Small => ("small", "KL 0.1; sentence encoders: rank correlation 0.99"),
            Level::Balanced => ("balanced", "KL 0.02; 0.999"),
            Level::High => ("high", "KL 0.004; 0.9999"),
            Level::NearLossless => ("near-lossless", "KL 0.0005; 0.99999"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// What is to be reached: a loss, and the most that it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Whatever goes with the model's kind.
    Level(Level),
    /// Mean KL divergence, nats.
    Kld(f64),
    /// Ratio of perplexities.
    PplRatio(f64),
}

impl GoalArgs {
    /// The goal, if there is one.
    pub fn goal(&self) -> Option<Goal> {
        let level = self.quality.map(Goal::Level);
        let kld = self.max_kld.map(Goal::Kld);
        level.or(kld).or(self.max_ppl_ratio.map(Goal::PplRatio))
    }
}

impl Goal {
    /// As [`Goal::most`].
    ///
    /// # Errors
    /// Where the goal is not one for such a model.
    pub fn check(self, is_language_model: bool) -> anyhow::Result<f64> {
        self.most(is_language_model).ok_or_else(|| {
            usage(
                "a sentence encoder predicts no text, so that it has neither KL divergence nor \
                 perplexity; use --quality, which goes by the order of similarities",
            )
        })
    }

    /// What may be lost at most of a language model, and otherwise of a sentence encoder: a KL
    /// divergence, what the ratio of perplexities has above 1, or what the rank correlation of
    /// similarities lacks of 1. None where the goal is not one for such a model.
    fn most(self, is_language_model: bool) -> Option<f64> {
        let (kld, lacking) = match self {
            Goal::Level(Level::Small) => (0.1, 1e-2),
            Goal::Level(Level::Balanced) => (0.02, 1e-3),
            Goal::Level(Level::High) => (0.004, 1e-4),
            Goal::Level(Level::NearLossless) => (0.0005, 1e-5),
            Goal::Kld(kld) => return is_language_model.then_some(kld),
            Goal::PplRatio(ratio) => return is_language_model.then_some(ratio - 1.0),
        };
        Some(if is_language_model { kld } else { lacking })
    }

    /// How much of that is lost.
    pub fn lost(self, measured: &Measured) -> f64 {
        match (self, measured) {
            (Goal::PplRatio(_), Measured::Language { ppl_ratio, .. }) => ppl_ratio - 1.0,
            (_, Measured::Language { kld, .. }) => *kld,
            (
                _,
                Measured::Sentence {
                    rank_correlation, ..
                },
            ) => 1.0 - rank_correlation,
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && number < 100.0 => Ok(number),
        _ => Err("give a number above 0, such as 0.02".to_owned()),
    }
}

fn above_one(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 1.0 && number < 1e6 => Ok(number),
        _ => Err("give a number above 1, such as 1.01".to_owned()),
    }
}
