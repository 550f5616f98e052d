//! `hct compress`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use hct_core::MAX_BASE_HINT;
use hct_model::{
    Base, BaseMap, BaseMatch, Checkpoint, CheckpointSource, CompressOptions, Error, TensorInfo,
    TensorSource, compress, compress_to_rate,
};
use hct_strategies::{Calibration, Plan};
use serde::Serialize;

use crate::base_args::open_chain;
use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::is_hct::is_hct;
use crate::made_by::provenance;
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
    /// Store what differs from this model, where that is smaller: a checkpoint or an .hct file. If
    /// that is coded against another itself, repeat --base: each is the base of the one before
    #[arg(long, value_name = "BASE", help_heading = "Base")]
    base: Vec<PathBuf>,
    /// JSON object of tensor names to those of the base, or of beginnings such as "model.*" to
    /// "encoder.*"; others go by their name, or by their contents
    #[arg(long, value_name = "FILE", help_heading = "Base", requires = "base")]
    base_map: Option<PathBuf>,
    /// What the file is to say of where its base is, such as a URL; "" for nothing
    /// [default: the first --base as given]
    #[arg(long, value_name = "TEXT", help_heading = "Base", requires = "base")]
    base_hint: Option<String>,
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
  hct compress model.safetensors -o small.hct --bpw 4 --force
  hct compress my-model -o my-model.hct --cosine 0.999 --effort max
  hct compress my-model -o my-model.hct --strategy uniform --retention 0.9
  hct compress my-model -o my-model.hct --calibration my-model.hctcal --bpw 3
  hct compress my-model -o my-model.hct --strategy adaptive --cosine 0.99 --fragments 4
  hct compress my-model -o my-model.hct --strategy importance --importance-map scores.json
  hct compress my-model -o exact.hct --strategy lossless
  hct compress fine-tune -o delta.hct --strategy lossless --base my-model
  hct compress fine-tune -o delta.hct --base my-model.hct
  hct compress my-model -o my-model.hct --json | jq .bits_per_weight

Without options: --strategy rdo --cosine 0.9998, which is safe for models. SmolLM2, of 135 million
weights, takes 5.66 bits each and has a KL divergence of 0.020 from what it was (README.md);
`hct eval` measures it on yours.";

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
    /// Tensors by what they took from the base, if there is one.
    base: Option<Tensors>,
    seconds: f64,
}

#[derive(Serialize)]
struct Tensors {
    unchanged: usize,
    differences: usize,
    alone: usize,
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
        let calibration = self.strategy.calibration(&spec)?;
        let (calibration, hash) = calibration.unzip();
        let checkpoint = Checkpoint::open(&self.input)?;
        if let Some(calibration) = &calibration {
            check_known(&checkpoint, &**calibration)?;
        }
        let names = checkpoint.tensors().iter().map(|t| &t.name[..]);
        let plan = spec.plan(names, calibration)?;
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
        let base = open_chain(&self.base)?;
        for path in &self.base {
            check_apart(&self.output, path)?;
        }
        let matched = match &base {
            Some(base) => Some(self.matched(&checkpoint, base)?),
            None => None,
        };
        let provenance = provenance(&spec, hash.as_deref());
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
            base: matched.as_ref(),
        };
        let (output, force) = (&self.output, self.force);
        let done = match &plan {
            Plan::Strategy(strategy) => {
                compress(&checkpoint, output, force, &**strategy, options, &bar)?
            }
            Plan::Rate(rate) => {
                compress_to_rate(&checkpoint, output, force, rate, options, &bar)?.0
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
            base: matched.map(|_| Tensors {
                unchanged: done.base_use.unchanged,
                differences: done.base_use.differences,
                alone: done.base_use.alone,
            }),
            seconds: begin.elapsed().as_secs_f64(),
        };
        let dtypes = float_dtypes(&checkpoint);
        self.common.print(&report, |report| table(report, &dtypes))
    }

    /// Which tensors of the base go with those of the checkpoint.
    fn matched<'a>(
        &'a self,
        checkpoint: &Checkpoint,
        base: &'a Base,
    ) -> anyhow::Result<BaseMatch<'a>> {
        let map = match &self.base_map {
            Some(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                BaseMap::from_json(&text).map_err(Error::from)?
            }
            None => BaseMap::default(),
        };
        let bytes = BaseMatch::bytes_to_hash(checkpoint, base, &map)?;
        let bar = Bar::new("looking for renamed tensors", bytes);
        let matched = BaseMatch::new(checkpoint, base, &map, &bar)?;
        drop(bar);
        let given = self.base.first().and_then(|path| path.to_str());
        let hint = self.base_hint.as_deref().or(given).unwrap_or_default();
        match hint.len() {
            0 => Ok(matched),
            1..=MAX_BASE_HINT => Ok(matched.hint(hint)),
            _ if self.base_hint.is_none() => Ok(matched),
            len => Err(usage(format!(
                "--base-hint takes {len} bytes; at most {MAX_BASE_HINT} are allowed"
            ))),
        }
    }
}

/// Errs where a calibration knows nothing of the largest matrix, as one of another model does.
fn check_known(checkpoint: &Checkpoint, calibration: &dyn Calibration) -> anyhow::Result<()> {
    let matrices = checkpoint.tensors().iter().filter(|t| t.shape.len() == 2);
    let Some(largest) = matrices.max_by_key(|t| t.byte_len()) else {
        return Ok(());
    };
    match calibration.statistics(&largest.name)? {
        Some(_) => Ok(()),
        None => Err(usage(format!(
            "the calibration has nothing of {}, the largest matrix; make one of this model with \
             `hct calibrate`",
            printable(&largest.name)
        ))),
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
    if let Some(base) = &report.base {
        row(
            "against the base",
            (base.unchanged + base.differences).to_string(),
            format!(
                "tensors: {} unchanged, {} as differences; {} alone",
                base.unchanged, base.differences, base.alone
            ),
        );
    }
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
