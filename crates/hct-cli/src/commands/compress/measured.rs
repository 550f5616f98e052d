//! The part of `hct compress` that runs the model: to calibrate, and to measure what is lost.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hct_core::Limits;
use hct_eval::{CalibrationOptions, LEAST_TO_TUNE_ON, Model};
use hct_model::{
    Amended, Amendments, Checkpoint, CompressReport, HctFile, TemporaryFolder, TensorInfo,
    TensorSource, file_hash, model_hash, move_into_place, open_calibration, prove,
};
use hct_strategies::{Calibration, SpecOption, StrategyName};
use tempfile::TempPath;

use crate::calibration_run::{CalibrationRun, Prepared, usual_context};
use crate::destination::{is_elsewhere, send};
use crate::failure::usage;
use crate::goal::{Dial, Goal, GoalArgs, Judge, JudgeTexts, Measured, search};
use crate::norm_tuning::{Tuned, Tuning, tune, write};
use crate::progress::Bar;
use crate::runnable::Runnable;
use crate::strategy_args::Steer;
use crate::texts::read_texts;

/// Tokens to calibrate on unless given: half of them take 0.15 to 0.2 bits per weight more at equal loss
/// on text unlike them, and half of the minutes (docs/CALIBRATION.md).
const TOKENS: u32 = 32_768;
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
    /// Calibrate on at most N tokens [default: those of --self-text; with --text 32768 or more]
    #[arg(long, value_name = "N", help_heading = "Calibration",
        value_parser = clap::value_parser!(u32).range(2..))]
    tokens: Option<u32>,
    /// Tune the normalisations of a language model on the same text, as `hct tune` does it: gains a few
    /// per cent of what is lost below four bits per weight, for minutes more
    #[arg(long, help_heading = "Calibration", conflicts_with_all = ["calibration", "base"])]
    tune: bool,
    #[command(flatten)]
    goal: GoalArgs,
}

/// What came of running the model.
pub struct Ran {
    /// The calibration made, and the SHA-256 of its file.
    pub calibration: Option<(Arc<dyn Calibration>, String)>,
    judge: Option<(Goal, Judge)>,
    /// What to tune on, if that is to be done.
    tune_on: Option<Prepared>,
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
        if self.tune && !self.calibrates() {
            return Err(usage(
                "--tune takes text to tune on; give --text or --self-text, or see `hct tune`",
            ));
        }
        if !self.calibrates() && goal.is_none() {
            return match self.tokens {
                Some(_) => Err(usage(
                    "--tokens says how much to calibrate on; give --text or --self-text, too",
                )),
                None => Ok(None),
            };
        }
        let mut texts = read_texts(&self.text, output)?;
        let mut eval_texts = read_texts(&self.goal.eval_text, output)?;
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
        let is_language_model = matches!(model, Model::Language(_));
        if self.tune && !is_language_model {
            return Err(usage(
                "--tune takes a language model; this is a sentence encoder",
            ));
        }
        if let Some(goal) = goal {
            goal.check(is_language_model)?;
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
        let mut tune_on = None;
        let calibration = match hash {
            Some(hash) => {
                let path = folder.path().join("calibration.hctcal");
                let own = self.self_text.unwrap_or(0);
                let usual = if texts.is_empty() {
                    own
                } else {
                    TOKENS.max(own)
                };
                let run = CalibrationRun {
                    texts,
                    self_text: self.self_text,
                    tokens: Some(self.tokens.unwrap_or(usual)),
                    context: usual_context(&model),
                    seed: 0,
                };
                let options = CalibrationOptions {
                    overwrite: false,
                    resume: false,
                };
                let on = run.prepare(&model)?;
                let windows = on.windows.count();
                if self.tune && windows < LEAST_TO_TUNE_ON {
                    return Err(usage(format!(
                        "--tune takes {LEAST_TO_TUNE_ON} windows of {} tokens at the least, and the \
                         text makes {windows}; give more of it",
                        run.context
                    )));
                }
                run.run(&model, hash, &on, &path, options)?;
                tune_on = self.tune.then_some(on);
                let calibration = open_calibration(&path)?;
                Some((Arc::from(calibration), file_hash(&path)?))
            }
            None => None,
        };
        Ok(Some(Ran {
            calibration,
            judge,
            tune_on,
            runnable,
            folder,
        }))
    }
}

impl Ran {
    /// Whether more is done than coding once.
    pub fn makes_more(&self) -> bool {
        self.judge.is_some() || self.tune_on.is_some()
    }

    /// Codes to files, by `code` at one quality or another, until one is as small as the goal allows, or
    /// once where there is no goal; and tunes, if that is to be done. None where neither is. The model has
    /// so many weights and is at `input`.
    pub fn reach(
        &self,
        input: &Path,
        strategy: StrategyName,
        weights: u64,
        code: &mut dyn FnMut(Option<Steer>, &Path) -> anyhow::Result<CompressReport>,
    ) -> anyhow::Result<Option<Reached>> {
        let tuner = |on| Tuner::new(&self.runnable, input, on);
        let mut tuning = self.tune_on.as_ref().map(tuner);
        let mut number = 0;
        let mut file = |steer: Option<Steer>, octaves: f64| {
            number += 1;
            let path = self.folder.path().join(format!("{number}.hct"));
            let report = code(steer, &path)?;
            let path = TempPath::try_from_path(path)?;
            let made = Reached {
                path,
                report,
                measured: None,
                tuned: None,
            };
            match &mut tuning {
                Some(tuner) => {
                    let path = self.folder.path().join(format!("{number}-tuned.hct"));
                    tuner.tuned(made, octaves, path)
                }
                None => Ok(made),
            }
        };
        let Some((goal, judge)) = &self.judge else {
            return match self.tune_on {
                Some(_) => file(None, 0.0).map(Some),
                None => Ok(None),
            };
        };
        let most = goal.check(judge.is_language_model())?;
        let (option, dial) = dial(strategy, most, weights)?;
        let found = search(most, &dial, &mut |octaves| {
            let mut reached = file(Some(Steer(option, value(option, octaves))), octaves)?;
            let model = open(&reached.path, &self.runnable)?.load(&reached.path)?;
            let measured = judge.measure(&model)?;
            let lost = goal.lost(&measured);
            reached.measured = Some(measured);
            Ok::<_, anyhow::Error>((lost, reached))
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

/// Opens what was just made of the model `original`: a file without side files can be run, too.
fn open(path: &Path, original: &Runnable) -> anyhow::Result<Runnable> {
    Runnable::open_like(path, original, None, Limits::none())
}

/// Tunes files of one model, coded at one quality or another.
struct Tuner<'a> {
    original: &'a Runnable,
    /// Where that is.
    input: &'a Path,
    on: &'a Prepared,
    /// What was found last, and how coarse the file was that it was found for, in octaves.
    last: Option<(f64, Tuned, Tuning)>,
}

impl<'a> Tuner<'a> {
    fn new(original: &'a Runnable, input: &'a Path, on: &'a Prepared) -> Self {
        Tuner {
            original,
            input,
            on,
            last: None,
        }
    }

    /// What was `made`, at `octaves`, with tuned normalisations, at `path`. Files that are about as coarse
    /// share them: most of what they undo depends on how coarse a file is.
    fn tuned(&mut self, made: Reached, octaves: f64, path: PathBuf) -> anyhow::Result<Reached> {
        let coded = open(&made.path, self.original)?;
        let near = |(at, ..): &(f64, Tuned, Tuning)| (at - octaves).abs() <= NEAR;
        let (_, tuned, tuning) = match self.last.take().filter(near) {
            Some(last) => self.last.insert(last),
            None => {
                let original = self.original.load(self.input)?;
                let (tuned, tuning) = tune(&original, &coded, &made.path, self.on)?;
                self.last.insert((octaves, tuned, tuning))
            }
        };
        let mut report = made.report;
        report.output_bytes = write(&coded, tuned, &path, false)?;
        Ok(Reached {
            path: TempPath::try_from_path(path)?,
            report,
            measured: None,
            tuned: Some((tuned.clone(), tuning.clone())),
        })
    }
}

/// Octaves apart at which files share what normalisations are tuned to.
const NEAR: f64 = 1.0;

/// A file that is as small as a goal allows, or as was asked for, and tuned.
pub struct Reached {
    path: TempPath,
    report: CompressReport,
    measured: Option<Measured>,
    tuned: Option<(Tuned, Tuning)>,
}

/// What there is to say of it.
pub struct Done {
    pub report: CompressReport,
    pub measured: Option<Measured>,
    pub tuning: Option<Tuning>,
}

impl Reached {
    /// Decodes the file and holds it against what it was made of, `source`.
    ///
    /// # Errors
    /// When it is not the same, where it is to be.
    pub fn prove(&self, source: &Checkpoint) -> anyhow::Result<()> {
        let none = Amendments::default();
        let amendments = self.tuned.as_ref().map_or(&none, |(t, _)| &t.amendments);
        let model = HctFile::open_within(&self.path, Limits::none())?;
        let sizes = source.tensors().iter().map(TensorInfo::byte_len);
        let bar = Bar::new("verifying", sizes.sum());
        Ok(prove(&model, &Amended::new(source, amendments), &bar)?)
    }

    /// Gives the file its name.
    pub fn place(self, output: &Path, force: bool) -> anyhow::Result<Done> {
        match is_elsewhere(output) {
            true => send(File::open(&self.path)?, output, force)?,
            false => move_into_place(&self.path, output, force)?,
        }
        Ok(Done {
            report: self.report,
            measured: self.measured,
            tuning: self.tuned.map(|(_, tuning)| tuning),
        })
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

/// Takes the last part of a text from it, from the beginning of a line if there is one.
fn hold_back(text: &mut String) -> String {
    let most = (text.len() as f64 * CALIBRATED_ON) as usize;
    let at = (0..=most).rev().find(|&at| text.is_char_boundary(at));
    let at = at.unwrap_or(0);
    let at = text[..at].rfind('\n').map_or(at, |line| line + 1);
    text.split_off(at)
}
