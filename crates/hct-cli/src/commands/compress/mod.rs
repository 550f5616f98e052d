//! `hct compress`.

mod job;
#[cfg(feature = "eval")]
mod measured;
mod planned;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use hct_core::MAX_BASE_HINT;
use hct_model::{
    Base, BaseMap, BaseMatch, Checkpoint, CheckpointSource, Error, Part, Proof, TensorSource,
    check_apart, check_known, is_hct, open_bases_within, shown,
};
use hct_strategies::{SpecOption, StrategyName, StrategySpec};

use crate::common_args::CommonArgs;
use crate::destination::is_elsewhere;
use crate::failure::usage;
use crate::float_dtype::FloatDtype;
use crate::limit_args::LimitArgs;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::short_of::short_of;
use crate::size;
use crate::strategy_args::{Steer, StrategyArgs, read_text};
use crate::streams::{Received, is_stream};
use crate::table::printable;
use crate::units;
use job::Job;
#[cfg(feature = "eval")]
use measured::{MeasuredArgs, Ran};
use planned::{deciding, read_plan};

/// Most bytes of JSON that a map of names to those of a base may take.
const MAX_BASE_MAP: usize = 16 << 20;
use report::Report;

/// Compress a checkpoint to one .hct file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Compress {
    /// A .safetensors or .gguf file, or a folder with a .safetensors file or with an index and
    /// shards; - for a .safetensors file that comes by standard input
    input: PathBuf,
    /// The file to write; - for standard output, the report then going to standard error
    #[arg(short, long, value_name = "OUT.hct")]
    output: PathBuf,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// Size of the whole file at most, such as 60MB or 1.5GiB; it is met to 1 %
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, help_heading = "Strategy",
        conflicts_with_all = ["bpw", "step", "cosine", "rel_mse", "retention", "spec"])]
    size: Option<u64>,
    /// Code every tensor as this plan says, which `hct plan --export` wrote
    #[arg(long, value_name = "PLAN.json", help_heading = "Strategy", conflicts_with_all = PLANNED)]
    plan: Option<PathBuf>,
    /// Code part I of N alone, in bytes of weights about an N-th of all; `hct merge` joins the parts
    #[arg(long, value_name = "I/N", help_heading = "Output", conflicts_with_all = WHOLE)]
    part: Option<Part>,
    #[cfg(feature = "eval")]
    #[command(flatten)]
    measured: MeasuredArgs,
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
    /// Code block-quantized tensors of a GGUF file by strategy as well, as numbers of this dtype, which
    /// they then come back as
    #[arg(long, value_name = "DTYPE", help_heading = "Output", num_args = 0..=1, require_equals = true,
        default_missing_value = "f16")]
    dequantize: Option<FloatDtype>,
    #[command(flatten, next_help_heading = "Base")]
    limits: LimitArgs,
    /// Leave out config, tokenizer and the other files of a folder
    #[arg(long, help_heading = "Output")]
    no_side_files: bool,
    /// Keep what is done in OUT.hct.partial, and go on from there after an interruption; until the end
    /// that takes room for another copy of the output
    #[arg(long, help_heading = "Output", conflicts_with_all = UNRESUMABLE)]
    resume: bool,
    /// Store the BLAKE3 hash of every tensor and file as it was, some 70 bytes each, for `hct verify --deep` and
    /// for `hct decompress`, which checks them. That is done without asking where the strategy is lossless
    #[arg(long, help_heading = "Output", conflicts_with = "no_hashes")]
    hashes: bool,
    /// Do not, where the strategy is lossless either
    #[arg(long, help_heading = "Output")]
    no_hashes: bool,
    /// Read the file again before it gets its name: decode all of it and compare what is lossless. That
    /// is done without asking where the strategy is lossless; see below for what it takes
    #[arg(long, help_heading = "Output", conflicts_with = "no_verify")]
    verify: bool,
    /// Do not, where the strategy is lossless either
    #[arg(long, help_heading = "Output")]
    no_verify: bool,
    /// Replace an existing output, which must be a regular file: no link, device or pipe
    #[arg(long, help_heading = "Output")]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

/// What a plan says already.
const PLANNED: &[&str] = &[
    "strategy",
    "preset",
    "retention",
    "cosine",
    "rel_mse",
    "step",
    "bpw",
    "delta_cosine",
    "effort",
    "rank",
    "fp16_ratio",
    "importance_map",
    "fragments",
    "spec",
    "size",
    #[cfg(feature = "eval")]
    "measured",
];

/// What takes the whole model.
const WHOLE: &[&str] = &[
    "size",
    "bpw",
    #[cfg(feature = "eval")]
    "measured",
];

/// What takes several tries, or what nothing tells whether it is still the same.
const UNRESUMABLE: &[&str] = &[
    "size",
    "bpw",
    "base",
    #[cfg(feature = "eval")]
    "measured",
];

const EXAMPLES: &str = "\
EXAMPLES
  hct compress my-model -o my-model.hct
  hct compress model.safetensors -o small.hct --bpw 4 --force
  hct compress my-model -o my-model.hct --quality balanced --self-text
  hct compress my-model -o my-model.hct --max-kld 0.01 --text prose.txt --text code.txt
  hct compress my-model -o my-model.hct --size 60MB --calibration my-model.hctcal
  hct compress my-model -o my-model.hct --plan plan.json
  hct compress my-model -o my-model.hct --cosine 0.999 --effort max
  hct compress my-model -o my-model.hct --strategy uniform --retention 0.9
  hct compress my-model -o my-model.hct --calibration my-model.hctcal --bpw 3
  hct compress my-model -o my-model.hct --strategy adaptive --cosine 0.99 --fragments 4
  hct compress my-model -o my-model.hct --strategy importance --importance-map scores.json
  hct compress my-model -o exact.hct --strategy lossless
  hct compress quantized.gguf -o quantized.hct
  hct compress quantized.gguf -o smaller.hct --dequantize --bpw 3.5
  hct compress fine-tune -o delta.hct --strategy lossless --base my-model
  hct compress fine-tune -o delta.hct --base my-model.hct
  hct compress my-model -o my-model.hct --resume
  hct compress my-model -o part-1.hct --part 1/8
  hct compress my-model -o s3://models/my-model.hct
  hct compress my-model -o - | ssh store 'cat > my-model.hct'
  hct compress my-model -o my-model.hct --json | jq .bits_per_weight

Without options: --strategy rdo --cosine 0.9998, which is safe for models. SmolLM2, of 135 million
weights, takes 5.66 bits each and has a KL divergence of 0.020 from what it was (README.md);
`hct eval` measures it on yours.

What is read again is decoded once more: with --strategy lossless compressing takes up to two thirds
longer, otherwise some per cent. Faults of memory and of this program are found before anything is
replaced; those of the disk are not, since what was just written comes out of memory as a rule.";

impl Compress {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        // Whatever is wrong with options is said before the work.
        self.spec(self.size.map(|_| Steer(SpecOption::BitsPerWeight, 4.0)))?;
        if is_hct(&self.input) {
            return Err(usage(format!(
                "{} is an HCT file already; `hct decompress` makes a checkpoint of it",
                self.input.display()
            )));
        }
        let to_stream = is_stream(&self.output);
        // Not a file here.
        let elsewhere = is_elsewhere(&self.output);
        if elsewhere && self.verify {
            return Err(usage(
                "--verify takes a file; what has gone to standard output cannot be read again",
            ));
        }
        if self.resume && (elsewhere || is_elsewhere(&self.input)) {
            return Err(usage(
                "--resume takes files; a stream or an object at a URL cannot be taken up again",
            ));
        }
        match self.input.is_dir() {
            _ if elsewhere => {}
            false => check_file(&self.output, &self.input, self.force)?,
            true => check_file(
                &self.output,
                &self.input.join("model.safetensors"),
                self.force,
            )?,
        }
        self.common.start()?;
        let received = match is_stream(&self.input) {
            true => Some(Received::new()?),
            false => None,
        };
        let input = received.as_ref().map(Received::path);
        let input = input.as_deref().unwrap_or(&self.input);
        let mut checkpoint = Checkpoint::open(input)?;
        if let Some(dtype) = self.dequantize {
            checkpoint = checkpoint.dequantized(dtype.into())?;
        }
        if input.is_dir() && !elsewhere {
            for file in checkpoint.files() {
                check_apart(&self.output, &input.join(&file.path))?;
            }
        }
        let base = open_bases_within(&self.base, self.limits.limits())?;
        for path in &self.base {
            check_apart(&self.output, path)?;
        }
        let steer = self
            .size
            .map(|size| size::steer(&checkpoint, size))
            .transpose()?;
        let allocation = self.plan.as_deref().map(read_plan).transpose()?;
        let spec = match &allocation {
            Some((allocation, _)) => deciding(allocation).clone(),
            None => self.spec(steer)?,
        };
        #[cfg(feature = "eval")]
        let ran = self.measured.run(input, &self.output)?;
        #[cfg(feature = "eval")]
        let made = ran.as_ref().and_then(|ran| ran.calibration.clone());
        #[cfg(not(feature = "eval"))]
        let made = None;
        let calibration = match made {
            Some(made) => Some(made),
            None => self.strategy.calibration(&spec)?,
        };
        if let Some((calibration, _)) = &calibration {
            check_known(&checkpoint, &**calibration)?;
        }
        if !self.no_side_files {
            for file in checkpoint.skipped_files() {
                let name = printable(&file.rel_path);
                eprintln!("warning: {name} is not carried along: {}", file.reason);
            }
        }
        // It goes into the file: a URL without what it was signed with.
        let given = self.base.first().map(|path| shown(path));
        let given = given.as_deref().and_then(Path::to_str);
        let matched = match &base {
            Some(base) => Some(self.matched(&checkpoint, base, given)?),
            None => None,
        };
        let lossless = spec.strategy() == StrategyName::Lossless && !elsewhere;
        let verify = self.verify || (lossless && !self.no_verify);
        // What is tuned, or made several times, is read again at the end.
        #[cfg(feature = "eval")]
        let is_last = !ran.as_ref().is_some_and(Ran::makes_more);
        #[cfg(not(feature = "eval"))]
        let is_last = true;
        let job = Job {
            proof: (verify && is_last).then(|| Proof { base: base.clone() }),
            output: &self.output,
            force: self.force,
            resume: self.resume,
            side_files: !self.no_side_files,
            hashes: (self.hashes || self.no_hashes).then_some(self.hashes),
            part: self.part,
            allocation,
            checkpoint: &checkpoint,
            calibration,
            base: matched.as_ref(),
        };
        #[cfg(feature = "eval")]
        let reached = match &ran {
            Some(ran) => {
                let (strategy, weights) = (spec.strategy(), checkpoint.weights());
                ran.reach(input, strategy, weights, &mut |steer, output| match steer {
                    Some(steer) => job.code_by(&self.spec(Some(steer))?, output, false),
                    None => job.code_by(&spec, output, false),
                })?
            }
            None => None,
        };
        #[cfg(feature = "eval")]
        let (done, measured, tuning) = match reached {
            Some(reached) => {
                if verify {
                    reached.prove(&checkpoint)?;
                }
                let done = reached.place(&self.output, self.force)?;
                (done.report, done.measured, done.tuning)
            }
            None => (job.code(&spec)?, None, None),
        };
        #[cfg(not(feature = "eval"))]
        let done = job.code(&spec)?;
        if let Some(size) = self.size.filter(|&size| done.output_bytes > size) {
            let over = done.output_bytes - size;
            eprintln!(
                "warning: the file is {} bytes larger than --size",
                units::grouped(over)
            );
        }
        if let Some(asked) = done.asked {
            eprintln!("warning: {}", short_of(asked, &done));
        }
        let mut report = Report::new(&done, matched.is_some(), verify);
        #[cfg(feature = "eval")]
        {
            report.measured = measured;
            report.tuning = tuning;
        }
        report.seconds = begin.elapsed().as_secs_f64();
        let dtypes = float_dtypes(&checkpoint);
        let table = |report: &Report| report.table(&dtypes);
        match to_stream {
            true => self.common.print_beside_output(&report, table),
            false => self.common.print(&report, table),
        }
    }

    /// The strategy asked for, with `steer` where that is to be found.
    fn spec(&self, steer: Option<Steer>) -> anyhow::Result<StrategySpec> {
        #[cfg(feature = "eval")]
        let calibrates = self.measured.calibrates();
        #[cfg(not(feature = "eval"))]
        let calibrates = false;
        let spec = self.strategy.spec(calibrates, steer)?;
        if calibrates && spec.strategy() != StrategyName::Calibrated {
            return Err(usage(format!(
                "--text and --self-text belong to the strategy calibrated, not to {}; leave one of \
                 them out",
                spec.strategy()
            )));
        }
        Ok(spec)
    }

    /// Which tensors of the base go with those of the checkpoint.
    fn matched<'a>(
        &'a self,
        checkpoint: &Checkpoint,
        base: &'a Base,
        given: Option<&'a str>,
    ) -> anyhow::Result<BaseMatch<'a>> {
        let map = match &self.base_map {
            Some(path) => {
                let text = read_text(path, MAX_BASE_MAP)?;
                BaseMap::from_json(&text).map_err(Error::from)?
            }
            None => BaseMap::default(),
        };
        let bytes = BaseMatch::bytes_to_hash(checkpoint, base, &map)?;
        let bar = Bar::new("looking for renamed tensors", bytes);
        let matched = BaseMatch::new(checkpoint, base, &map, &bar)?;
        drop(bar);
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

/// The float dtypes and types of blocks of the input, largest share first.
fn float_dtypes(checkpoint: &Checkpoint) -> String {
    let mut shares = BTreeMap::<String, u64>::new();
    for (i, tensor) in checkpoint.tensors().iter().enumerate() {
        let kind = match checkpoint.blocks_of(i) {
            Some(kind) => kind.to_string(),
            None if tensor.dtype.is_float() => tensor.dtype.to_string(),
            None => continue,
        };
        *shares.entry(kind).or_default() += tensor.byte_len();
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let names: Vec<_> = shares.into_iter().map(|(name, _)| name).collect();
    names.join(" and ")
}
