//! `hct plan`.

mod export;
mod merge;
mod passes;
mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use hct_model::{
    Checkpoint, CheckpointPart, CompressOptions, MeasuredPart, Measuring, Part, TensorInfo,
    TensorSource, check_known, encode, encode_to_rate, provenance,
};
use hct_strategies::Plan as Coding;
use serde::Serialize;

use self::export::{export, write};
use self::passes::Passes;
use self::report::{Report, table};
use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::short_of::short_of;
use crate::size;
use crate::strategy_args::StrategyArgs;
use crate::units;

/// Show how many bits each tensor would get, without writing a file
#[derive(Args)]
#[command(
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub struct Plan {
    #[command(subcommand)]
    command: Option<PlanCommand>,
    /// A .safetensors file, or a folder with one or with an index and shards
    #[arg(required = true)]
    input: Option<PathBuf>,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// Size of the whole file at most, such as 60MB or 1.5GiB; it is met to 1 %
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, help_heading = "Strategy",
        conflicts_with_all = ["bpw", "step", "cosine", "rel_mse", "retention", "spec"])]
    size: Option<u64>,
    /// Measure what part I of N takes about the --bpw or --size of the whole, for `hct plan merge` to
    /// decide on; the parts are those of `hct compress --part`
    #[arg(long, value_name = "I/N", help_heading = "Output", requires = "export")]
    part: Option<Part>,
    /// With --part: measure about this error, in octaves, as `hct plan merge` says where the size is not
    /// where it is looked for
    #[arg(
        long,
        value_name = "OCTAVES",
        help_heading = "Output",
        requires = "part",
        allow_negative_numbers = true
    )]
    around: Option<f64>,
    /// Write the plan, to be changed and followed by `hct compress --plan`; with --part, what was
    /// measured
    #[arg(long, value_name = "PLAN.json", help_heading = "Output")]
    export: Option<PathBuf>,
    /// Replace an existing plan, if it is a regular file
    #[arg(long, help_heading = "Output", requires = "export")]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

#[derive(Subcommand)]
enum PlanCommand {
    Merge(merge::MergePlans),
}

const EXAMPLES: &str = "\
EXAMPLES
  hct plan my-model --calibration my-model.hctcal --bpw 3
  hct plan my-model --bpw 4 --export plan.json
  hct compress my-model --plan plan.json -o my-model.hct

  hct plan my-model --bpw 4 --part 1/2 --export measured-1.json     on one machine
  hct plan my-model --bpw 4 --part 2/2 --export measured-2.json     on another
  hct plan merge measured-1.json measured-2.json --export plan.json
  hct compress my-model --plan plan.json --part 1/2 -o part-1.hct   and so on

Everything is coded as `hct compress` would, and thrown away. With a calibration, damage is what the
errors of a tensor are predicted to do to the output, in nats of KL divergence for a language model,
and share its part of all. An exported plan has a spec a tensor, which can be changed by hand: a
finer step for one, {\"strategy\": \"lossless\"} for another; what else it says of a tensor is passed
over. `hct compress --plan` then codes just so. A folder called merge is ./merge.";

/// What is said when a part has been measured.
#[derive(Serialize)]
struct MeasuredReport {
    part: Part,
    tensors: usize,
    /// Bytes of the part at each error, the finest first.
    bytes: Vec<u64>,
    seconds: f64,
}

impl Plan {
    pub fn run(&self) -> anyhow::Result<()> {
        match (&self.command, &self.input) {
            (Some(PlanCommand::Merge(merge)), _) => merge.run(),
            (None, Some(input)) => self.plan(input),
            (None, None) => Err(usage("give a checkpoint")),
        }
    }

    fn plan(&self, input: &Path) -> anyhow::Result<()> {
        let begin = Instant::now();
        if let Some(path) = &self.export {
            check_file(path, input, self.force)?;
        }
        self.common.start()?;
        let checkpoint = Checkpoint::open(input)?;
        let steer = self
            .size
            .map(|size| size::steer(&checkpoint, size))
            .transpose()?;
        let spec = self.strategy.spec(false, steer)?;
        let calibration = self.strategy.calibration(&spec)?;
        if let Some((calibration, _)) = &calibration {
            check_known(&checkpoint, &**calibration)?;
        }
        let (calibration, hash) = calibration.unzip();
        let provenance = provenance(&spec, hash.as_deref(), None);
        let options = CompressOptions {
            side_files: true,
            provenance: provenance.as_deref(),
            base: None,
            hashes: false,
        };
        let names = checkpoint.tensors().iter().map(|t| &t.name[..]);
        let coding = spec.plan(names, calibration)?;
        if let (Some(part), Some(path)) = (self.part, &self.export) {
            let Coding::Rate(rate) = coding else {
                return Err(usage(
                    "--part measures what a size takes: give --bpw or --size; for anything else \
                     `hct compress --part` needs no plan",
                ));
            };
            // All parts will be made by the plan that comes of this, and say by which.
            let provenance = hct_model::provenance(&spec, hash.as_deref(), Some(&"0".repeat(64)));
            let options = CompressOptions {
                provenance: provenance.as_deref(),
                ..options
            };
            let bar = bar(&CheckpointPart::new(&checkpoint, part));
            let measuring = Measuring {
                spec: &spec,
                plan: &rate,
                around: self.around,
                calibration: hash.as_deref(),
                options,
            };
            let measured = measuring.measure(&checkpoint, part, &bar)?;
            drop(bar);
            write(
                path,
                &(serde_json::to_string(&measured)? + "\n"),
                self.force,
            )?;
            let report = MeasuredReport::new(&measured, begin);
            return self.common.print(&report, MeasuredReport::text);
        }
        let passes = Passes::new(bar(&checkpoint));
        let (done, spec) = match coding {
            Coding::Strategy(strategy) => {
                let (_, done) = encode(&checkpoint, io::sink(), &*strategy, options, &passes)?;
                (done, spec)
            }
            Coding::Rate(rate) => {
                let mut output = || Ok(io::sink());
                let (_, done, octaves) =
                    encode_to_rate(&checkpoint, &mut output, &rate, options, &passes)?;
                (done, rate.spec_at(octaves))
            }
            _ => anyhow::bail!("the strategy asks for a plan that this command does not know"),
        };
        if let Some(asked) = done.asked {
            eprintln!("warning: {}", short_of(asked, &done));
        }
        let report = Report {
            tensors: passes.rows_of(&done),
            spec,
            output_bytes: done.output_bytes,
            bits_per_weight: done.bits_per_weight(),
            predicted_damage: done.predicted,
            seconds: begin.elapsed().as_secs_f64(),
        };
        if let Some(path) = &self.export {
            export(&report, path, self.force)?;
        }
        self.common.print(&report, table)
    }
}

/// A bar for coding all of `source`.
fn bar(source: &dyn TensorSource) -> Bar {
    let sizes = source.tensors().iter().map(TensorInfo::byte_len);
    Bar::new("coding", sizes.sum())
}

impl MeasuredReport {
    fn new(measured: &MeasuredPart, begin: Instant) -> MeasuredReport {
        let of_error = |k: usize| measured.tensors.iter().map(|t| t.bytes[k]).sum();
        MeasuredReport {
            part: measured.part,
            tensors: measured.tensors.len(),
            bytes: (0..measured.octaves.len()).map(of_error).collect(),
            seconds: begin.elapsed().as_secs_f64(),
        }
    }

    fn text(&self) -> String {
        let sizes: Vec<String> = self
            .bytes
            .iter()
            .map(|&bytes| units::bytes(bytes))
            .collect();
        format!(
            "part {}: {} tensors take {}; `hct plan merge` takes what was measured of all parts\n",
            self.part,
            self.tensors,
            sizes.join(", ")
        )
    }
}
