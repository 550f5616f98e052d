//! Options that choose how tensors are coded.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use hct_strategies::{
    AdaptiveEncoder, Effort, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, LosslessEncoder, MAX_FRAGMENTS, MixedPrecisionEncoder, MlpOnlyEncoder, Preset,
    Quality, RdoEncoder, Strategy, SvdEncoder, UniformEncoder,
};

use crate::failure::usage;

/// Retention unless given.
const RETENTION: f64 = 0.98;
/// The same of the middle layers of `hybrid-layers`.
const MIDDLE_RETENTION: f64 = 0.70;
/// Cosine of `rdo` unless given: a little better than uniform V3 at its default.
const COSINE: f64 = 0.995;
/// Cosine of `adaptive` unless given.
const TARGET: f64 = 0.99;
/// Most components of low-rank factors unless given.
const RANK: usize = 256;
/// Share of FP16 of `mixed` unless given: INT4 gains little from more.
const FP16_RATIO: f64 = 0.002;
/// The same as first described.
const CLASSIC_FP16_RATIO: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyName {
    /// 2-D DCT, the same share of the largest coefficients kept as INT4 in every tensor
    Uniform,
    /// As many coefficients of each tensor as --cosine needs, embeddings judged row by row
    Adaptive,
    /// Low-rank factors and a residual, where that takes fewer bits than the residual coder alone
    Svd,
    /// Factors, a transform or neither, by measured cost
    Hybrid,
    /// INT4 base and FP16 refinement
    Mixed,
    /// Better quality for the tensors that matter more, by name or by --importance-map
    Importance,
    /// MLP matrices only, the rest lossless
    MlpOnly,
    /// First and last layers lossless, their neighbours at 0.80, the rest at --retention
    HybridLayers,
    /// For every tensor the fewest bits that reach --cosine, --rel-mse or --bpw
    Rdo,
    /// Every bit comes back
    Lossless,
}

use StrategyName::{
    Adaptive, Hybrid, HybridLayers, Importance, Lossless, Mixed, MlpOnly, Rdo, Svd, Uniform,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PresetName {
    /// The scheme as first described, for comparison: whole-matrix DCTs, INT4, FP16
    Classic,
    /// The scheme under the rate–distortion engine
    Viable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EffortName {
    /// Scalar quantization
    Fast,
    /// 8-state trellis
    Default,
    /// 32-state trellis, every transform tried
    Max,
}

/// What to do with a checkpoint.
pub enum Plan<'a> {
    /// Code every tensor by one strategy.
    Strategy(Box<dyn Strategy>),
    /// Code to a size, by the strategy at a quality: bits per weight of the whole file.
    Rate(Box<dyn Fn(Quality) -> Box<dyn Strategy> + 'a>, f64),
}

/// The strategy and its options.
#[derive(Args)]
#[command(next_help_heading = "Strategy")]
pub struct StrategyArgs {
    /// How tensors are coded; norms, biases, integers and tiny tensors are always lossless
    #[arg(long, value_enum, default_value_t = Uniform)]
    strategy: StrategyName,
    /// The viable version of a strategy, or the one first described [default: viable]
    #[arg(long, value_enum)]
    preset: Option<PresetName>,
    /// Share of the coefficients to keep, above 0 and at most 1, or the quality that uniform has
    /// there [default: 0.98; hybrid-layers: 0.70]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    retention: Option<f64>,
    /// Cosine similarity that every lossy tensor reaches, and the median row of embeddings after
    /// their mean is subtracted [default: rdo 0.995, adaptive 0.99, others by --retention]
    #[arg(long, value_name = "C", value_parser = cosine, conflicts_with_all = ["rel_mse", "bpw", "retention"])]
    cosine: Option<f64>,
    /// Relative mean squared error ‖W−Ŵ‖²/‖W‖² that no lossy tensor exceeds
    #[arg(long, value_name = "D", value_parser = fraction, conflicts_with_all = ["bpw", "retention"])]
    rel_mse: Option<f64>,
    /// Bits per weight of the whole file, within 1 %
    #[arg(long, value_name = "B", value_parser = positive, conflicts_with = "retention")]
    bpw: Option<f64>,
    /// rdo and what builds on it: how hard to look for the fewest bits [default: default]
    #[arg(long, value_enum)]
    effort: Option<EffortName>,
    /// svd, hybrid: components of the factors, at most [default: 256]
    #[arg(long, value_name = "R", value_parser = rank)]
    rank: Option<usize>,
    /// mixed: share of the kept coefficients in FP16 [default: 0.002; classic: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = ratio)]
    fp16_ratio: Option<f64>,
    /// importance: JSON object of tensor name, glob or /regex/ to a score from 0 to 1
    #[arg(long, value_name = "FILE")]
    importance_map: Option<PathBuf>,
    /// Order the bytes of every tensor in N fragments, any first ones of which decode to an
    /// approximation [default: 1]
    #[arg(long, value_name = "N", value_parser = fragments)]
    fragments: Option<usize>,
}

impl StrategyArgs {
    /// Checks that every option belongs to the strategy.
    ///
    /// # Errors
    /// When an option was given that does not.
    pub fn check(&self) -> anyhow::Result<()> {
        let engine: &[StrategyName] = &[Svd, Hybrid, Importance, MlpOnly, HybridLayers, Rdo];
        let by_retention = &[Uniform, Hybrid, Mixed, Importance, MlpOnly, HybridLayers];
        let with_adaptive = [engine, &[Adaptive]].concat();
        let lossy = [by_retention, &[Adaptive, Svd, Rdo][..]].concat();
        let presets = &lossy[..lossy.len() - 1];
        let owners: [(bool, &str, &[StrategyName]); 10] = [
            (self.preset.is_some(), "--preset", presets),
            (self.retention.is_some(), "--retention", by_retention),
            (self.cosine.is_some(), "--cosine", &with_adaptive),
            (self.rel_mse.is_some(), "--rel-mse", engine),
            (self.bpw.is_some(), "--bpw", &with_adaptive),
            (self.effort.is_some(), "--effort", &with_adaptive),
            (self.rank.is_some(), "--rank", &[Svd, Hybrid]),
            (self.fp16_ratio.is_some(), "--fp16-ratio", &[Mixed]),
            (
                self.importance_map.is_some(),
                "--importance-map",
                &[Importance],
            ),
            (self.fragments.is_some(), "--fragments", &lossy),
        ];
        for (given, option, owners) in owners {
            if given && !owners.contains(&self.strategy) {
                let this = name(self.strategy);
                let owners: Vec<String> = owners.iter().map(|&s| name(s)).collect();
                return Err(usage(format!(
                    "{option} belongs to --strategy {}, not to {this}; leave one of them out",
                    owners.join(", ")
                )));
            }
        }
        if self.preset == Some(PresetName::Classic) {
            let steers = self.cosine.is_some() && self.strategy != Adaptive;
            let viable = [
                (steers, "--cosine"),
                (self.rel_mse.is_some(), "--rel-mse"),
                (self.bpw.is_some(), "--bpw"),
                (self.effort.is_some(), "--effort"),
            ];
            if let Some((_, option)) = viable.iter().find(|(given, _)| *given) {
                return Err(usage(format!(
                    "{option} belongs to --preset viable; leave one of them out"
                )));
            }
        }
        Ok(())
    }

    /// The strategy asked for, for a checkpoint with tensors of these names.
    ///
    /// # Errors
    /// When the importance map cannot be read.
    pub fn build<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Plan<'_>> {
        let (stacks, map) = (LayerStacks::of(names), self.map()?);
        if let Some(bpw) = self.bpw {
            let strategy_at =
                move |quality| self.strategy(Some(quality), stacks.clone(), map.clone());
            return Ok(Plan::Rate(Box::new(strategy_at), bpw));
        }
        let quality = match (self.rel_mse, self.cosine) {
            (Some(d), _) => Some(Quality::RelMse(d)),
            (None, Some(c)) => Some(Quality::Cosine(c)),
            (None, None) => None,
        };
        Ok(Plan::Strategy(self.strategy(quality, stacks, map)))
    }

    fn strategy(
        &self,
        quality: Option<Quality>,
        stacks: LayerStacks,
        map: ImportanceMap,
    ) -> Box<dyn Strategy> {
        let effort = match self.effort {
            Some(EffortName::Fast) => Effort::Fast,
            None | Some(EffortName::Default) => Effort::Default,
            Some(EffortName::Max) => Effort::Max,
        };
        let preset = match self.preset {
            Some(PresetName::Classic) => Preset::Classic,
            None | Some(PresetName::Viable) => Preset::Viable,
        };
        let fragments = self.fragments.unwrap_or(1);
        let retention = self.retention.unwrap_or(RETENTION);
        let rank = self.rank.unwrap_or(RANK);
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
        match self.strategy {
            Uniform => common!(UniformEncoder::new(retention)),
            Adaptive => common!(AdaptiveEncoder::new(match quality {
                Some(Quality::Cosine(c)) => c,
                Some(Quality::RelMse(d)) => (1.0 - d).sqrt(),
                None => TARGET,
            })),
            Svd => steered!(SvdEncoder::new(rank)),
            Hybrid => steered!(HybridEncoder::new(rank, retention)),
            Mixed => {
                let ratio = match preset {
                    Preset::Classic => CLASSIC_FP16_RATIO,
                    Preset::Viable => FP16_RATIO,
                };
                let ratio = self.fp16_ratio.unwrap_or(ratio);
                common!(MixedPrecisionEncoder::new(retention, ratio))
            }
            Importance => steered!(ImportanceEncoder::new(retention, map)),
            MlpOnly => steered!(MlpOnlyEncoder::new(retention)),
            HybridLayers => {
                let retention = self.retention.unwrap_or(MIDDLE_RETENTION);
                steered!(HybridLayersEncoder::new(retention, stacks))
            }
            Rdo => {
                let quality = quality.unwrap_or(Quality::Cosine(COSINE));
                Box::new(RdoEncoder::new(quality).effort(effort).fragments(fragments))
            }
            Lossless => Box::new(LosslessEncoder),
        }
    }

    fn map(&self) -> anyhow::Result<ImportanceMap> {
        let Some(path) = &self.importance_map else {
            return Ok(ImportanceMap::by_role());
        };
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        ImportanceMap::from_json(&text)
            .with_context(|| format!("{} is no importance map", path.display()))
    }
}

fn name(strategy: StrategyName) -> String {
    strategy
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Parses a number and checks it, or says what to give.
fn number(text: &str, valid: impl Fn(f64) -> bool, advice: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if valid(number) => Ok(number),
        _ => Err(format!("give {advice}")),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let advice = "a number above 0 and at most 1, such as 0.98";
    number(text, |share| share > 0.0 && share <= 1.0, advice)
}

fn ratio(text: &str) -> Result<f64, String> {
    let advice = "a number from 0 to 1, such as 0.1";
    number(text, |ratio| (0.0..=1.0).contains(&ratio), advice)
}

fn cosine(text: &str) -> Result<f64, String> {
    let advice = "a number between 0 and 1, such as 0.995";
    number(text, |c| c > 0.0 && c < 1.0, advice)
}

fn fraction(text: &str) -> Result<f64, String> {
    let advice = "a number between 0 and 1, such as 0.01";
    number(text, |d| d > 0.0 && d < 1.0, advice)
}

fn positive(text: &str) -> Result<f64, String> {
    let advice = "a number of bits above 0, such as 3.5";
    number(text, |b| b > 0.0 && b < 64.0, advice)
}

fn whole(text: &str, most: usize, advice: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=most).contains(&n) => Ok(n),
        _ => Err(format!(
            "give a whole number from 1 to {most}, such as {advice}"
        )),
    }
}

fn rank(text: &str) -> Result<usize, String> {
    whole(text, 65_536, "256")
}

fn fragments(text: &str) -> Result<usize, String> {
    whole(text, MAX_FRAGMENTS, "4")
}
