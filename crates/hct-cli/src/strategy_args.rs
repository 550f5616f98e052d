//! Options that choose how tensors are coded.

use clap::{Args, ValueEnum};
use hct_strategies::{LosslessEncoder, Strategy, UniformEncoder};

use crate::failure::usage;

/// Retention of `uniform` unless given.
const RETENTION: f64 = 0.98;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyName {
    /// 2-D DCT, the same share of the largest coefficients kept as INT4 in every tensor
    Uniform,
    /// Every bit comes back
    Lossless,
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
}

impl StrategyArgs {
    /// The strategy asked for.
    ///
    /// # Errors
    /// When an option was given that belongs to another strategy.
    pub fn build(&self) -> anyhow::Result<Box<dyn Strategy>> {
        let options = [
            (
                self.retention.is_some(),
                "--retention",
                StrategyName::Uniform,
            ),
            (self.whole_matrix, "--whole-matrix", StrategyName::Uniform),
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
        Ok(match self.strategy {
            StrategyName::Uniform => Box::new(
                UniformEncoder::new(self.retention.unwrap_or(RETENTION))
                    .whole_matrix(self.whole_matrix),
            ),
            StrategyName::Lossless => Box::new(LosslessEncoder),
        })
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
