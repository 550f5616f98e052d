//! Options that choose how tensors are coded.

use clap::{Args, ValueEnum};
use hct_strategies::{Effort, LosslessEncoder, Quality, RdoEncoder, Strategy, UniformEncoder};

use crate::failure::usage;

/// Retention of `uniform` unless given.
const RETENTION: f64 = 0.98;
/// Cosine of `rdo` unless given: a little better than uniform V3 at its default.
const COSINE: f64 = 0.995;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyName {
    /// 2-D DCT, the same share of the largest coefficients kept as INT4 in every tensor
    Uniform,
    /// For every tensor the fewest bits that reach --cosine, --rel-mse or --bpw
    Rdo,
    /// Every bit comes back
    Lossless,
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
pub enum Plan {
    /// Code every tensor by one strategy.
    Strategy(Box<dyn Strategy>),
    /// Code to a size: effort and bits per weight of the whole file.
    Rate(Effort, f64),
}

/// The strategy and its options.
#[derive(Args)]
#[command(next_help_heading = "Strategy")]
pub struct StrategyArgs {
    /// How tensors are coded; norms, biases, integers and tiny tensors are always lossless
    #[arg(long, value_enum, default_value_t = StrategyName::Uniform)]
    strategy: StrategyName,
    /// uniform: share of the coefficients to keep, above 0 and at most 1 [default: 0.98]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    retention: Option<f64>,
    /// uniform: transform whole matrices instead of tiles (more memory, no partial decoding)
    #[arg(long)]
    whole_matrix: bool,
    /// rdo: cosine similarity that every lossy tensor reaches, and the median row of embeddings
    /// after their mean is subtracted [default: 0.995]
    #[arg(long, value_name = "C", value_parser = cosine, conflicts_with_all = ["rel_mse", "bpw"])]
    cosine: Option<f64>,
    /// rdo: relative mean squared error ‖W−Ŵ‖²/‖W‖² that no lossy tensor exceeds
    #[arg(long, value_name = "D", value_parser = fraction, conflicts_with = "bpw")]
    rel_mse: Option<f64>,
    /// rdo: bits per weight of the whole file, within 1 %
    #[arg(long, value_name = "B", value_parser = positive)]
    bpw: Option<f64>,
    /// rdo: how hard to look for the fewest bits [default: default]
    #[arg(long, value_enum)]
    effort: Option<EffortName>,
}

impl StrategyArgs {
    /// The strategy asked for.
    ///
    /// # Errors
    /// When an option was given that belongs to another strategy.
    pub fn build(&self) -> anyhow::Result<Plan> {
        let options = [
            (
                self.retention.is_some(),
                "--retention",
                StrategyName::Uniform,
            ),
            (self.whole_matrix, "--whole-matrix", StrategyName::Uniform),
            (self.cosine.is_some(), "--cosine", StrategyName::Rdo),
            (self.rel_mse.is_some(), "--rel-mse", StrategyName::Rdo),
            (self.bpw.is_some(), "--bpw", StrategyName::Rdo),
            (self.effort.is_some(), "--effort", StrategyName::Rdo),
        ];
        for (given, option, owner) in options {
            if given && owner != self.strategy {
                return Err(usage(format!(
                    "{option} belongs to --strategy {}, not to {}; leave one of them out",
                    name(owner),
                    name(self.strategy)
                )));
            }
        }
        Ok(Plan::Strategy(match self.strategy {
            StrategyName::Uniform => Box::new(
                UniformEncoder::new(self.retention.unwrap_or(RETENTION))
                    .whole_matrix(self.whole_matrix),
            ),
            StrategyName::Rdo => {
                let effort = match self.effort {
                    Some(EffortName::Fast) => Effort::Fast,
                    None | Some(EffortName::Default) => Effort::Default,
                    Some(EffortName::Max) => Effort::Max,
                };
                if let Some(bpw) = self.bpw {
                    return Ok(Plan::Rate(effort, bpw));
                }
                let quality = match self.rel_mse {
                    Some(d) => Quality::RelMse(d),
                    None => Quality::Cosine(self.cosine.unwrap_or(COSINE)),
                };
                Box::new(RdoEncoder::new(quality).effort(effort))
            }
            StrategyName::Lossless => Box::new(LosslessEncoder),
        }))
    }
}

fn name(strategy: StrategyName) -> String {
    strategy
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("give a number above 0 and at most 1, such as 0.98".into()),
    }
}

fn cosine(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(c) if c > 0.0 && c < 1.0 => Ok(c),
        _ => Err("give a number between 0 and 1, such as 0.995".into()),
    }
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(d) if d > 0.0 && d < 1.0 => Ok(d),
        _ => Err("give a number between 0 and 1, such as 0.01".into()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(b) if b > 0.0 && b < 64.0 => Ok(b),
        _ => Err("give a number of bits above 0, such as 3.5".into()),
    }
}
