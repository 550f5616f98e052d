//! `hct`: compress, decompress, inspect, compare and check neural-network checkpoints.

mod base_args;
#[cfg(feature = "eval")]
mod calibration_run;
mod commands;
mod common_args;
#[cfg(feature = "eval")]
mod counter;
mod damage;
mod destination;
mod failure;
mod float_dtype;
#[cfg(feature = "eval")]
mod goal;
mod limit_args;
mod made_by;
mod many_files;
#[cfg(feature = "eval")]
mod norm_tuning;
mod opened;
mod output_path;
mod progress;
mod row_range;
#[cfg(feature = "eval")]
mod runnable;
mod short_of;
mod size;
mod stop;
mod strategy_args;
mod streams;
mod table;
#[cfg(feature = "eval")]
mod texts;
mod units;

use std::process::ExitCode;

use clap::Parser;
use commands::Command;

/// Compress neural-network checkpoints (safetensors) to small .hct files, and back.
#[derive(Parser)]
#[command(name = "hct", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct compress my-model -o my-model.hct     a folder or a .safetensors file
  hct diff my-model my-model.hct            how close the compressed weights are
  hct decompress my-model.hct -o restored   the same files as before
  hct compress fine-tune --base my-model -o delta.hct --strategy lossless
  hct extract my-model.hct lm_head.weight --rows 0..10 -o rows.npy

Exit status: 0 success, 1 a failed check or unreadable data, 2 wrong usage, 130 and 143 stopped by Ctrl-C
or SIGTERM, which leaves what was there before.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    stop::heed_signals();
    // A level that cannot be had must not pass for one that was tried.
    let level = hct_core::simd_level().map_err(|error| failure::usage(error.to_string()));
    match level.and_then(|_| cli.command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
