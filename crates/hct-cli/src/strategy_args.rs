//! Options that choose how tensors are coded.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use hct_model::{file_hash, open_calibration};
use hct_strategies::{
    Calibration, Effort, ImportanceMap, MAX_SPEC, Preset, SpecError, SpecOption, StrategyName,
    StrategySpec,
};

use crate::failure::usage;

/// The strategy and its options. What they are, their defaults and which belongs to which is
/// [`StrategySpec`]'s to say.
#[derive(Args)]
#[command(next_help_heading = "Strategy")]
pub struct StrategyArgs {
    /// How tensors are coded; norms, biases, integers and tiny tensors are always lossless
    /// [default: rdo; calibrated with --calibration]
    #[arg(long, value_parser = strategies())]
    strategy: Option<StrategyName>,
    /// calibrated: what `hct calibrate` measured of the model, or an importance matrix of llama.cpp
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    #[arg(long, help = SpecOption::Preset.summary(), value_parser = presets())]
    preset: Option<Preset>,
    #[arg(long, help = SpecOption::Retention.summary(), value_name = "SHARE",
        value_parser = |text: &str| number(SpecOption::Retention, text))]
    retention: Option<f64>,
    #[arg(long, help = SpecOption::Cosine.summary(), value_name = "C",
        value_parser = |text: &str| number(SpecOption::Cosine, text))]
    cosine: Option<f64>,
    #[arg(long, help = SpecOption::RelMse.summary(), value_name = "D",
        value_parser = |text: &str| number(SpecOption::RelMse, text))]
    rel_mse: Option<f64>,
    #[arg(long, help = SpecOption::Step.summary(), value_name = "C",
        value_parser = |text: &str| number(SpecOption::Step, text))]
    step: Option<f64>,
    #[arg(long, help = SpecOption::BitsPerWeight.summary(), value_name = "B",
        value_parser = |text: &str| number(SpecOption::BitsPerWeight, text))]
    bpw: Option<f64>,
    #[arg(long, help = SpecOption::DeltaCosine.summary(), value_name = "C",
        value_parser = |text: &str| number(SpecOption::DeltaCosine, text))]
    delta_cosine: Option<f64>,
    #[arg(long, help = SpecOption::Effort.summary(), value_parser = efforts())]
    effort: Option<Effort>,
    #[arg(long, help = SpecOption::Rank.summary(), value_name = "R",
        value_parser = |text: &str| whole(SpecOption::Rank, text))]
    rank: Option<usize>,
    #[arg(long, help = SpecOption::Fp16Ratio.summary(), value_name = "SHARE",
        value_parser = |text: &str| number(SpecOption::Fp16Ratio, text))]
    fp16_ratio: Option<f64>,
    #[arg(long, help = SpecOption::ImportanceMap.summary(), value_name = "FILE")]
    importance_map: Option<PathBuf>,
    #[arg(long, help = SpecOption::Fragments.summary(), value_name = "N",
        value_parser = |text: &str| whole(SpecOption::Fragments, text))]
    fragments: Option<usize>,
    /// Read the strategy and its options from JSON such as {"strategy": "rdo", "rel_mse": 0.01};
    /// `hct info --json` shows that of a file, as made_by.spec
    #[arg(long, value_name = "FILE", conflicts_with_all = ["strategy", "preset", "retention",
        "cosine", "rel_mse", "step", "bpw", "delta_cosine", "effort", "rank", "fp16_ratio", "importance_map", "fragments"])]
    spec: Option<PathBuf>,
}

/// How good the result is to be: an option of a spec and its value.
#[derive(Clone, Copy)]
pub struct Steer(pub SpecOption, pub f64);

impl StrategyArgs {
    /// The strategy and options asked for, the strategy being `calibrated` unless given where there
    /// is or will be a calibration; with `steer` instead of whatever else says how good the result
    /// is to be.
    ///
    /// # Errors
    /// When an option does not belong to the strategy, two exclude each other, or a file cannot be
    /// read or holds something else.
    pub fn spec(&self, calibrated: bool, steer: Option<Steer>) -> anyhow::Result<StrategySpec> {
        if let Some(path) = &self.spec {
            return StrategySpec::from_json(&read_text(path, MAX_SPEC)?)
                .with_context(|| format!("{} is no spec of a strategy", path.display()));
        }
        let calibrated = calibrated || self.calibration.is_some();
        let strategy = self.strategy.unwrap_or(match calibrated {
            true => StrategyName::Calibrated,
            false => StrategyName::default(),
        });
        let steered = |option, given: Option<f64>| match steer {
            Some(Steer(by, value)) if by == option => Some(value),
            _ => given,
        };
        let spec = |map: Option<ImportanceMap>| {
            let spec = StrategySpec::builder(strategy)
                .preset(self.preset)
                .retention(self.retention)
                .cosine(self.cosine)
                .rel_mse(steered(SpecOption::RelMse, self.rel_mse))
                .step(steered(SpecOption::Step, self.step))
                .bits_per_weight(steered(SpecOption::BitsPerWeight, self.bpw))
                .delta_cosine(self.delta_cosine)
                .effort(self.effort)
                .rank(self.rank)
                .fp16_ratio(self.fp16_ratio)
                .importance_map(map)
                .fragments(self.fragments);
            spec.finish().map_err(|error| usage(by_flags(&error)))
        };
        let Some(path) = &self.importance_map else {
            return spec(None);
        };
        // Whatever is in the map, it must belong to the strategy.
        spec(Some(ImportanceMap::by_role()))?;
        let map = ImportanceMap::from_json(&read_text(path, MAX_SPEC)?)
            .with_context(|| format!("{} is no importance map", path.display()))?;
        spec(Some(map))
    }

    /// The calibration of `--calibration` that `spec` goes by, if it goes by one, and the SHA-256 of
    /// its file.
    ///
    /// # Errors
    /// When there is none and must be, or the other way round, or it cannot be read.
    pub fn calibration(
        &self,
        spec: &StrategySpec,
    ) -> anyhow::Result<Option<(Arc<dyn Calibration>, String)>> {
        match (&self.calibration, spec.strategy()) {
            (Some(path), StrategyName::Calibrated) => {
                let calibration = open_calibration(path)?;
                Ok(Some((Arc::from(calibration), file_hash(path)?)))
            }
            (None, StrategyName::Calibrated) => Err(usage(
                "the strategy calibrated needs --calibration FILE, which `hct calibrate` makes, or --text or \
                 --self-text to make one now",
            )),
            (Some(_), other) => Err(usage(format!(
                "--calibration belongs to the strategy calibrated, not to {other}; leave one of them out"
            ))),
            (None, _) => Ok(None),
        }
    }
}

/// The text of a file of at most `most` bytes.
///
/// # Errors
/// When it cannot be read or takes more.
pub fn read_text(path: &Path, most: usize) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let file = File::open(path).with_context(cannot)?;
    file.take(most as u64 + 1)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    if text.len() > most {
        bail!(
            "{} takes more than {most} bytes; shorten it",
            path.display()
        );
    }
    Ok(text)
}

/// The message of an error, options named as they are here.
fn by_flags(error: &SpecError) -> String {
    match error {
        SpecError::OtherStrategy { option, strategy } => {
            let owners: Vec<&str> = option.strategies().iter().map(|s| s.name()).collect();
            format!(
                "{} belongs to --strategy {}, not to {strategy}; leave one of them out",
                flag(*option),
                owners.join(", ")
            )
        }
        SpecError::OtherPreset { option } => format!(
            "{} belongs to --preset viable; leave one of them out",
            flag(*option)
        ),
        SpecError::Conflict { first, second } => format!(
            "{} and {} both set the quality; leave one of them out",
            flag(*first),
            flag(*second)
        ),
        other => other.to_string(),
    }
}

fn flag(option: SpecOption) -> String {
    format!("--{}", option.name().replace('_', "-"))
}

/// Parses an option's number, or says what to give.
fn number(option: SpecOption, text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if option.check(number).is_ok() => Ok(number),
        _ => Err(format!("give {}", option.advice())),
    }
}

/// The same of a whole number.
fn whole(option: SpecOption, text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if option.check(n as f64).is_ok() => Ok(n),
        _ => Err(format!("give {}", option.advice())),
    }
}

/// A parser of the names of an enum that lists them, with what each is, in the help.
macro_rules! by_name {
    ($parser:ident, $type:ty) => {
        fn $parser() -> impl TypedValueParser<Value = $type> {
            let values = <$type>::ALL.iter();
            let values = values.map(|v| PossibleValue::new(v.name()).help(v.summary()));
            PossibleValuesParser::new(values).try_map(|name| name.parse::<$type>())
        }
    };
}

by_name!(strategies, StrategyName);
by_name!(presets, Preset);
by_name!(efforts, Effort);

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        args: StrategyArgs,
    }

    #[test]
    fn every_option_of_a_spec_has_its_flag_and_help() {
        let command = Alone::command();
        for &option in SpecOption::ALL {
            let long = flag(option);
            let arg = command
                .get_arguments()
                .find(|a| a.get_long() == long.strip_prefix("--"))
                .unwrap_or_else(|| panic!("no {long}"));
            assert_eq!(arg.get_help().unwrap().to_string(), option.summary());
            let spec = command.get_arguments().find(|a| a.get_id() == "spec");
            let conflicts = command.get_arg_conflicts_with(spec.unwrap());
            assert!(conflicts.contains(&arg), "{long} beside --spec");
        }
    }
}
