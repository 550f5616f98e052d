//! Developer tasks for HCT, run as `cargo xtask <task>`.

mod bench;
mod byte_size;
mod compare;
mod fetch;
mod sample;
mod scale;
mod staging;
mod synth;
mod tensor_file;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Developer tasks: bring test models, cut the shipped sample, make big synthetic checkpoints,
/// regenerate the tables of `docs`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Bring the public test models and fine-tunes of them into the cache folder.
    Fetch(fetch::Args),
    /// Cut the small real checkpoint shipped in `assets/sample`.
    Sample(sample::Args),
    /// Write a large synthetic sharded checkpoint.
    Synth(synth::Args),
    /// Measure the strategies, alone and on bases (`--deltas`), and write the tables of `docs`:
    /// `compare --help` lists the options.
    #[command(disable_help_flag = true)]
    Compare(compare::Args),
    /// Measure speeds beside those of others and write docs/BENCHMARKS.*; with `--tool` those of
    /// `hct` itself.
    Bench(bench::Args),
    /// Measure what large checkpoints and many tensors take and write docs/SCALE.*:
    /// `scale --help` lists the options.
    #[command(disable_help_flag = true)]
    Scale(scale::Args),
}

fn main() -> Result<ExitCode> {
    match Task::parse() {
        Task::Fetch(args) => fetch::run(&args)?,
        Task::Sample(args) => sample::run(&args)?,
        Task::Synth(args) => synth::run(&args)?,
        Task::Compare(args) => return compare::run(&args),
        Task::Bench(args) => return bench::run(&args),
        Task::Scale(args) => return scale::run(&args),
    }
    Ok(ExitCode::SUCCESS)
}
