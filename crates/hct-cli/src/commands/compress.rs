//! `hct compress`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hct_model::{
    Checkpoint, CheckpointSource, CompressOptions, TensorInfo, TensorSource, compress,
    compress_to_rate,
};
use hct_strategies::{Plan, Strategy};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::made_by::provenance;
use crate::opened::is_hct;
use crate::output_path::{check_apart, check_file};
use crate::progress::Bar;
use crate::strategy_args::StrategyArgs;
use crate::table::{Align, Table, printable};
use crate::units;

/// Compress a checkpoint to one .hct file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Compress {
    /// A .safetensors file, or a folder with one or with an index and shards
    input: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "OUT.hct")]
    output: PathBuf,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// Leave out config, tokenizer and the other files of a folder
    #[arg(long, help_heading = "Output")]
    no_side_files: bool,
    /// Replace an existing output
    #[arg(long, help_heading = "Output")]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct compress my-model -o my-model.hct
  hct compress model.safetensors -o small.hct --retention 0.8 --force
  hct compress my-model -o my-model.hct --strategy rdo --bpw 3.5
  hct compress my-model -o my-model.hct --strategy rdo --cosine 0.998 --effort max
  hct compress my-model -o my-model.hct --strategy adaptive --cosine 0.99 --fragments 4
  hct compress my-model -o my-model.hct --strategy importance --importance-map scores.json
  hct compress my-model -o exact.hct --strategy lossless
  hct compress my-model -o my-model.hct --json | jq .bits_per_weight";

#[derive(Serialize)]
struct Report {
    /// Safetensors files and carried side files.
    input_bytes: u64,
    output_bytes: u64,
    /// Elements of the float tensors.
    weights: u64,
    /// The whole file counted.
    bits_per_weight: f64,
    ratio: f64,
    seconds: f64,
}

impl Compress {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        let spec = self.strategy.spec()?;
        if is_hct(&self.input) {
            return Err(usage(format!(
                "{} is an HCT file already; `hct decompress` makes a checkpoint of it",
                self.input.display()
            )));
        }
        if self.input.is_file() {
            check_file(&self.output, &self.input, self.force)?;
        } else {
            check_file(
                &self.output,
                &self.input.join("model.safetensors"),
                self.force,
            )?;
        }
        self.common.start()?;
        let checkpoint = Checkpoint::open(&self.input)?;
        let names = checkpoint.tensors().iter().map(|t| &t.name[..]);
        let plan = spec.plan(names);
        if self.input.is_dir() {
            for file in checkpoint.files() {
                check_apart(&self.output, &self.input.join(&file.path))?;
            }
        }
        if !self.no_side_files {
            for file in checkpoint.skipped_files() {
                let name = printable(&file.rel_path);
                eprintln!("warning: {name} is not carried along: {}", file.reason);
            }
        }
        let provenance = provenance(&spec);
        if provenance.is_none() {
            eprintln!("warning: the importance map is too large for the file to say what it was");
        }
        let bar = Bar::new(
            "compressing",
            checkpoint.tensors().iter().map(TensorInfo::byte_len).sum(),
        );
        let options = CompressOptions {
            side_files: !self.no_side_files,
            provenance: provenance.as_deref(),
        };
        let (output, force) = (&self.output, self.force);
        let done = match &plan {
            Plan::Strategy(strategy) => {
                compress(&checkpoint, output, force, &**strategy, options, &bar)?
            }
            Plan::Rate(rate) => {
                let at = |quality| -> Box<dyn Strategy> { rate.strategy_at(quality) };
                let bits = rate.bits_per_weight();
                compress_to_rate(&checkpoint, output, force, &at, bits, options, &bar)?.0
            }
            _ => anyhow::bail!("the strategy asks for a plan that this command does not know"),
        };
        drop(bar);
        let report = Report {
            input_bytes: done.input_bytes,
            output_bytes: done.output_bytes,
            weights: done.weights,
            bits_per_weight: done.bits_per_weight(),
            ratio: units::ratio(done.input_bytes as f64, done.output_bytes as f64),
            seconds: begin.elapsed().as_secs_f64(),
        };
        let dtypes = float_dtypes(&checkpoint);
        self.common.print(&report, |report| table(report, &dtypes))
    }
}

/// The float dtypes of the input, largest share first.
fn float_dtypes(checkpoint: &Checkpoint) -> String {
    let mut shares = BTreeMap::<&str, u64>::new();
    for tensor in checkpoint.tensors().iter().filter(|t| t.dtype.is_float()) {
        *shares.entry(tensor.dtype.name()).or_default() += tensor.byte_len();
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let names: Vec<_> = shares.into_iter().map(|(name, _)| name).collect();
    names.join(" and ")
}

fn table(report: &Report, dtypes: &str) -> String {
    let seconds = Duration::from_secs_f64(report.seconds);
    let per_second = |n: u64| units::ratio(n as f64, report.seconds);
    let mut table = Table::bare(&[Align::Left, Align::Right, Align::Left]);
    let mut row = |what: &str, value, note| table.row([what.to_owned(), value, note]);
    row(
        "input",
        units::bytes(report.input_bytes),
        format!("{} bytes", units::grouped(report.input_bytes)),
    );
    row(
        "output",
        units::bytes(report.output_bytes),
        format!("{} bytes", units::grouped(report.output_bytes)),
    );
    let ratio = format!("{}x", units::fixed(report.ratio, 2));
    row("ratio", ratio, format!("against {dtypes}"));
    row(
        "bits per weight",
        units::fixed(report.bits_per_weight, 3),
        format!(
            "{} weights, whole file",
            units::count(report.weights as f64)
        ),
    );
    row(
        "time",
        units::time(seconds),
        format!(
            "{} weights/s, {}/s",
            units::count(per_second(report.weights)),
            units::bytes(per_second(report.input_bytes) as u64)
        ),
    );
    table.render()
}
