//! `cargo xtask bench`: runs the speed comparison of `hct-bench`; with `--tool` it makes a checkpoint
//! for it first, and builds `hct`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::compare::{build, hct_bench};
use crate::{byte_size, synth};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Args {
    /// `hct` on a synthetic checkpoint, beside `cp`, instead of coders in memory.
    #[arg(long)]
    tool: bool,
    /// With --tool: about how many bytes of weights; the disk takes five times that for a while, and
    /// memory once, for the encoder alone.
    #[arg(long, value_name = "N", default_value = "2GiB", value_parser = byte_size::parse)]
    bytes: u64,
    /// With --tool: where to make the checkpoint and its copies, which are removed again [default:
    /// the system's folder of temporary files].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// What else `hct-bench bench` takes: `-- --help` lists it.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Measures, and ends with the exit status of `hct-bench`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut options = vec![OsString::from("bench")];
    // Holds the checkpoint until everything has been measured.
    let folder;
    if args.tool {
        build("hct-cli", &[])?;
        folder = match &args.folder {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        }
        .context("no room for a checkpoint")?;
        let checkpoint = folder.path().join("checkpoint");
        synth::run(&synth::Args::new(args.bytes, checkpoint.clone()))?;
        options.extend(["--checkpoint".into(), checkpoint.into()]);
    }
    options.extend(args.options.iter().cloned());
    hct_bench(&options)
}
