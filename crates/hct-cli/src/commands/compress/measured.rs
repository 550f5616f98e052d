//! The part of `hct compress` that runs the model: to calibrate, and to measure what is lost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hct_core::Limits;
use hct_eval::{CalibrationOptions, Model};
use hct_model::{
    CompressReport, TemporaryFolder, check_apart, file_hash, model_hash, move_into_place,
    open_calibration,
};
use hct_strategies::{Calibration, SpecOption, StrategyName};
use tempfile::TempPath;

use crate::calibration_run::{CalibrationRun, usual_context};
use crate::destination::{is_elsewhere, send};
use crate::failure::usage;
use crate::goal::{Dial, Goal, GoalArgs, Judge, JudgeTexts, Measured, search};
use crate::runnable::Runnable;
use crate::strategy_args::Steer;

/// Tokens to calibrate on unless given: more gain little.
const TOKENS: u32 = 16_384;
/// The share of a text that is calibrated on where the rest is to measure on.
const CALIBRATED_ON: f64 = 0.8;

/// Options that need the model to be run.
#[derive(Args)]
pub struct MeasuredArgs {
    /// Calibrate on this text first, UTF-8; several are mixed evenly. Best is what the model is for
    #[arg(long, value_name = "FILE", help_heading = "Calibration", conflicts_with_all = ["calibration", "base"])]
    text: Vec<PathBuf>,
    /// Calibrate on N tokens (16384 unless given) that the model writes itself first, and on any texts
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "16384",
        help_heading = "Calibration", conflicts_with_all = ["calibration", "base"],
        value_parser = clap::value_parser!(u32).range(2..))]
    self_text: Option<u32>,
    /// Calibrate on at most N tokens [default: 16384]
    #[arg(long, value_name = "N", help_heading = "Calibration",
        value_parser = clap::value_parser!(u32).range(2..))]
    tokens: Option<u32>,
    #[command(flatten)]
    goal: GoalArgs,
}

/// What came of running the model.
pub struct Ran {
    /// The calibration made, and the SHA-256 of its file.
    pub calibration: Option<(Arc<dyn Calibration>, String)>,
    judge: Option<(Goal, Judge)>,
    runnable: Runnable,
    /// Where temporary files are: beside the output.
    folder: TemporaryFolder,
}

impl MeasuredArgs {
    /// Whether a calibration is to be made.
    pub fn calibrates(&self) -> bool {
        !self.text.is_empty() || self.self_text.is_some()
    }

    /// What is to be reached by measuring, if anything.
    pub fn goal(&self) -> Option<Goal> {
        self.goal.goal()
    }

    /// Runs the model at `input`, if there is anything to run it for.
    pub fn run(&self, input: &Path, output: &Path) -> anyhow::Result<Option<Ran>> {
        let goal = self.goal();
        if !self.calibrates() && goal.is_none() {
            return match self.tokens {
                Some(_) => Err(usage(
                    "--tokens says how much to calibrate on; give --text or --self-text, too",
                )),
                None => Ok(None),
            };
        }
        let mut texts = read_all(&self.text, output)?;
        let mut eval_texts = read_all(&self.goal.eval_text, output)?;
        let mut on = "of --eval-text";
        if goal.is_some() && eval_texts.is_empty() {
            on = "held back of --text";
            eval_texts = texts.iter_mut().map(hold_back).collect();
        }
        let runnable = Runnable::open(input, None, Limits::default())?;
        let folder = match is_elsewhere(output) {
            true => TemporaryFolder::new()?,
            false => TemporaryFolder::beside(output)?,
        };
        let hash = match self.calibrates() {
            true => Some(model_hash(runnable.source())?),
            false => None,
        };
        let model = runnable.load(input)?;
        if let Some(goal) = goal {
            goal.check(matches!(model, Model::Language(_)))?;
        }
        // Before the calibration, since it may be refused.
        let judge = match goal {
            Some(goal) => {
                let texts = match eval_texts.is_empty() {
                    true => JudgeTexts::Own,
                    false => JudgeTexts::Given(eval_texts, on),
                };
                Some((goal, Judge::new(&model, &texts)?))
            }
            None => None,
        };
        let calibration = match hash {
            Some(hash) => {
                let path = folder.path().join("calibration.hctcal");
                let run = CalibrationRun {
                    texts,
                    self_text: self.self_text,
                    tokens: Some(self.tokens.unwrap_or(TOKENS)),
                    context: usual_context(&model),
                    seed: 0,
                };
                let options = CalibrationOptions {
                    overwrite: false,
                    resume: false,
                };
                run.run(&model, hash, &path, options)?;
                let calibration = open_calibration(&path)?;
                Some((Arc::from(calibration), file_hash(&path)?))
            }
            None => None,
        };
        Ok(Some(Ran {
            calibration,
            judge,
            runnable,
            folder,
        }))
    }
}

impl Ran {
    /// Codes to files, by `code` at one quality or another, until one is as small as the goal allows;
    /// none where there is no goal. The model has so many weights.
    pub fn reach(
        &self,
        strategy: StrategyName,
        weights: u64,
        code: &mut dyn FnMut(Steer, &Path) -> anyhow::Result<CompressReport>,
    ) -> anyhow::Result<Option<Reached>> {
        let Some((goal, judge)) = &self.judge else {
            return Ok(None);
        };
        let most = goal.check(judge.is_language_model())?;
        let (option, dial) = dial(strategy, most, weights)?;
        let mut number = 0;
        let found = search(most, &dial, &mut |octaves| {
            number += 1;
            let path = self.folder.path().join(format!("{number}.hct"));
            let report = code(Steer(option, value(option, octaves)), &path)?;
            let path = TempPath::try_from_path(path)?;
            // A file without side files can be run, too.
            let candidate = Runnable::open_like(&path, &self.runnable, None, Limits::none())?;
            let model = candidate.load(&path)?;
            drop(candidate);
            let measured = judge.measure(&model)?;
            let reached = Reached {
                path,
                report,
                measured,
            };
            Ok::<_, anyhow::Error>((goal.lost(&reached.measured), reached))
        })?;
        match found {
            Some(found) => Ok(Some(found)),
            None => Err(usage(
                "no setting of the strategy reaches that quality; ask for less, or use --strategy \
                 lossless",
            )),
        }
    }
}

/// A file that is as small as a goal allows.
pub struct Reached {
    path: TempPath,
    report: CompressReport,
    measured: Measured,
}

impl Reached {
    /// Gives the file its name.
    pub fn place(self, output: &Path, force: bool) -> anyhow::Result<(CompressReport, Measured)> {
        if is_elsewhere(output) {
            send(File::open(&self.path)?, output, force)?;
            return Ok((self.report, self.measured));
        }
        move_into_place(&self.path, output, force)?;
        Ok((self.report, self.measured))
    }
}

/// What steers a strategy, and between what and from where: where about `most` is lost by a model
/// of so many weights.
fn dial(strategy: StrategyName, most: f64, weights: u64) -> anyhow::Result<(SpecOption, Dial)> {
    if strategy == StrategyName::Calibrated {
        // A model of 1.35e8 weights has a KL divergence of 0.12 at 2^-26.8. It is a sum over
        // weights, to the power 1.1 since it grows faster than errors.
        let start = -26.8 + (most / 0.12).log2() / 1.1 - (weights.max(1) as f64 / 1.35e8).log2();
        let limits = -79.0..=-1.0;
        return Ok((SpecOption::Step, Dial { start, limits }));
    }
    if !SpecOption::RelMse.strategies().contains(&strategy) {
        let able: Vec<_> = SpecOption::RelMse
            .strategies()
            .iter()
            .map(|s| s.name())
            .collect();
        return Err(usage(format!(
            "{strategy} cannot be steered by what is measured; use calibrated or one of {}",
            able.join(", ")
        )));
    }
    let dial = Dial {
        // SmolLM2 has a KL divergence of 0.02 at 2^-11.3.
        start: (most / 45.0).log2(),
        limits: -39.0..=-1.0,
    };
    Ok((SpecOption::RelMse, dial))
}

/// The value of `option` at an error of 2 to the power of `octaves`.
fn value(option: SpecOption, octaves: f64) -> f64 {
    match option {
        SpecOption::Step => (0.5 * octaves).exp2(),
        _ => octaves.exp2(),
    }
}

fn read_all(paths: &[PathBuf], output: &Path) -> anyhow::Result<Vec<String>> {
    let read = |path: &PathBuf| {
        check_apart(output, path)?;
        fs::read_to_string(path).with_context(|| format!("cannot read the text {}", path.display()))
    };
    paths.iter().map(read).collect()
}

/// Takes the last part of a text from it, from the beginning of a line if there is one.
fn hold_back(text: &mut String) -> String {
    let most = (text.len() as f64 * CALIBRATED_ON) as usize;
    let at = (0..=most).rev().find(|&at| text.is_char_boundary(at));
    let at = at.unwrap_or(0);
    let at = text[..at].rfind('\n').map_or(at, |line| line + 1);
    text.split_off(at)
}
