//! `hct tune`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hct_model::{check_apart, is_hct};
use serde::Serialize;

use crate::base_args::{BaseArgs, unneeded};
use crate::calibration_run::{CalibrationRun, usual_context};
use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::norm_tuning::{Tuning, tune, write};
use crate::output_path::check_file;
use crate::runnable::Runnable;
use crate::table::{Align, Table};
use crate::texts::read_texts;
use crate::units;

/// Make up for a part of what coding has changed in a language model, with its normalisations alone
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Tune {
    /// The file to tune, made by any strategy
    #[arg(value_name = "MODEL.hct")]
    input: PathBuf,
    /// The model as it was: a folder with a checkpoint, or an .hct file made from one
    #[arg(long, value_name = "MODEL_OR_HCT")]
    against: PathBuf,
    /// A text, UTF-8; several are mixed evenly
    #[arg(long, value_name = "FILE", required_unless_present = "self_text")]
    text: Vec<PathBuf>,
    /// Let the model write N tokens of text itself (16384 unless given), and use them too
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "16384",
        value_parser = clap::value_parser!(u32).range(2..))]
    self_text: Option<u32>,
    /// Use at most N tokens
    #[arg(long, value_name = "N", default_value_t = TOKENS,
        value_parser = clap::value_parser!(u32).range(2..))]
    tokens: u32,
    /// The file to write
    #[arg(short, long, value_name = "OUT.hct")]
    output: PathBuf,
    /// Replace an existing output, which must be a regular file: no link, device or pipe
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "Base")]
    base: BaseArgs,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

/// Tokens unless given.
const TOKENS: u32 = 16_384;

const EXAMPLES: &str = "\
EXAMPLES
  hct tune my-model.hct --against my-model --text prose.txt --text code.txt -o tuned.hct
  hct tune my-model.hct --against my-model --self-text -o tuned.hct      no text is needed

The weights of the normalisations, a few numbers of a layer, go some steps down the gradient of the KL
divergence of predictions from those of the model as it was; all else is copied as it is coded. An
eighth of the text is held back to measure on. Where that gains nothing, the output is the input.
What is gained is more the coarser the file is: of a calibrated one a tenth at 2.5 bits per weight, little
from 4 bits on (docs/CALIBRATION.md). `hct compress --tune` does it on the text that it calibrates on.";

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    tuning: Tuning,
    output_bytes: u64,
    seconds: f64,
}

impl Tune {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        check_file(&self.output, &self.input, self.force)?;
        check_apart(&self.output, &self.against)?;
        if !is_hct(&self.input) {
            return Err(usage(format!(
                "{} is no HCT file; `hct compress` makes one",
                self.input.display()
            )));
        }
        self.common.start()?;
        let texts = read_texts(&self.text, &self.output)?;
        let base = self.base.open()?;
        let limits = self.base.limits();
        let against = Runnable::open(&self.against, None, limits)?;
        let original = against.load(&self.against)?;
        let coded = Runnable::open_like(&self.input, &against, base.as_ref(), limits)?;
        drop(against);
        if base.is_some() && !coded.needs_base() {
            return Err(unneeded(&self.input));
        }
        let run = CalibrationRun {
            texts,
            self_text: self.self_text,
            tokens: Some(self.tokens),
            context: usual_context(&original),
            seed: 0,
        };
        let on = run.prepare(&original)?;
        let (tuned, tuning) = tune(&original, &coded, &self.input, &on)?;
        let report = Report {
            output_bytes: write(&coded, &tuned, &self.output, self.force)?,
            tuning,
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, table)
    }
}

fn table(report: &Report) -> String {
    let mut table = Table::bare(&[Align::Left, Align::Right, Align::Left]);
    let (what, value, note) = report.tuning.row();
    table.row([what.to_owned(), value, note]);
    let bytes = units::grouped(report.output_bytes);
    table.row([
        "output".to_owned(),
        units::bytes(report.output_bytes),
        format!("{bytes} bytes"),
    ]);
    let time = Duration::from_secs_f64(report.seconds);
    table.row(["time".to_owned(), units::time(time), String::new()]);
    table.render()
}
