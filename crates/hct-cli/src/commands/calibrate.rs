//! `hct calibrate`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use hct_eval::CalibrationOptions;
use hct_model::{
    AtomicFile, CalibrationFile, CalibrationInfo, FileSource, merge_calibrations, model_hash,
    partial_folder,
};
use serde::Serialize;

use crate::base_args::{BaseArgs, unneeded};
use crate::calibration_run::{CONTEXT, CalibrationRun};
use crate::common_args::CommonArgs;
use crate::output_path::check_file;
use crate::runnable::Runnable;
use crate::stop::say_kept;
use crate::table::{Align, Table};
use crate::texts::read_texts;
use crate::units;

/// Run a model on texts and measure which of its weights matter
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Calibrate {
    /// A folder with a checkpoint, or an .hct file made from one
    #[arg(value_name = "MODEL_OR_HCT", required_unless_present = "merge")]
    model: Option<PathBuf>,
    /// A text, UTF-8; several are mixed evenly
    #[arg(long, value_name = "FILE", required_unless_present_any = ["self_text", "merge"])]
    text: Vec<PathBuf>,
    /// Let the model write N tokens of text itself, and use them too; they take no other text
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    self_text: Option<u32>,
    /// Use only N tokens, as many of each text as there are [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tokens: Option<u32>,
    /// Tokens that are run at a time
    #[arg(long, value_name = "N", default_value_t = CONTEXT)]
    context: usize,
    /// What everything drawn at random is drawn by
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write the statistics of all tokens of these files, which are of the same model
    #[arg(
        long,
        value_name = "FILE",
        num_args = 2..,
        conflicts_with_all = ["model", "text", "self_text", "tokens", "resume"]
    )]
    merge: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "OUT.hctcal")]
    output: PathBuf,
    /// Replace an existing output, if it is a regular file: no link, device or pipe
    #[arg(long)]
    force: bool,
    /// Go on where an interrupted calibration for the same output stopped
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    base: BaseArgs,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct calibrate my-model --text prose.txt --text code.txt --tokens 32768 -o my-model.hctcal
  hct calibrate my-model --self-text 16384 -o my-model.hctcal      no text is needed
  hct calibrate --merge first.hctcal second.hctcal -o both.hctcal

Every window of --context tokens of the texts is run forwards and backwards. What is measured of
each matrix are the second moments of its inputs, plain and weighted by the squared gradients of
its outputs, and those squares themselves: how much an error in each of its weights changes what
the model predicts. Texts of many kinds are better than much of one kind.";

#[derive(Serialize)]
struct Report {
    tokens: u64,
    windows: u64,
    output_bytes: u64,
    seconds: f64,
    tokens_per_second: f64,
}

impl Calibrate {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let begin = Instant::now();
        let info = match &self.model {
            Some(model) => self.calibrate(model)?,
            None => self.merge()?,
        };
        let seconds = begin.elapsed().as_secs_f64();
        let report = Report {
            tokens: info.tokens,
            windows: info.windows,
            output_bytes: fs::metadata(&self.output).map_or(0, |file| file.len()),
            seconds,
            tokens_per_second: units::ratio(info.tokens as f64, seconds),
        };
        self.common.print(&report, table)
    }

    fn calibrate(&self, path: &Path) -> anyhow::Result<CalibrationInfo> {
        check_file(&self.output, path, self.force)?;
        let texts = read_texts(&self.text, &self.output)?;
        let base = self.base.open()?;
        let runnable = Runnable::open(path, base.as_ref(), self.base.limits())?;
        if base.is_some() && !runnable.needs_base() {
            return Err(unneeded(path));
        }
        let hash = model_hash(runnable.source())?;
        let model = runnable.load(path)?;
        drop(runnable);

        let run = CalibrationRun {
            texts,
            self_text: self.self_text,
            tokens: self.tokens,
            context: self.context,
            seed: self.seed,
        };
        let folder = partial_folder(&self.output);
        say_kept(Some(format!(
            "what is done is in {}: the same command with --resume goes on from there",
            folder.display()
        )));
        let options = CalibrationOptions {
            overwrite: self.force,
            resume: self.resume,
        };
        let on = run.prepare(&model)?;
        run.run(&model, hash, &on, &self.output, options)
    }

    fn merge(&self) -> anyhow::Result<CalibrationInfo> {
        let mut files = Vec::new();
        for path in &self.merge {
            check_file(&self.output, path, self.force)?;
            files.push(CalibrationFile::new(path, FileSource::open(path)?)?);
        }
        let out = merge_calibrations(&files, &self.output, AtomicFile::create(&self.output)?)?;
        out.finish(self.force)?;
        let merged = CalibrationFile::new(&self.output, FileSource::open(&self.output)?)?;
        Ok(merged.info().clone())
    }
}

fn table(report: &Report) -> String {
    let mut table = Table::bare(&[Align::Left, Align::Right, Align::Left]);
    let tokens = units::grouped(report.tokens);
    let windows = format!("in {} windows", units::grouped(report.windows));
    table.row(["tokens".to_owned(), tokens, windows]);
    let bytes = units::grouped(report.output_bytes);
    table.row([
        "output".to_owned(),
        units::bytes(report.output_bytes),
        format!("{bytes} bytes"),
    ]);
    table.row([
        "time".to_owned(),
        units::time(Duration::from_secs_f64(report.seconds)),
        format!("{} tokens/s", units::fixed(report.tokens_per_second, 1)),
    ]);
    table.render()
}
