//! `cargo xtask scale`: builds `hct`, which reads URLs, and runs what `hct-bench` measures of it.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::compare::{build, hct_bench};

/// Options of `cargo xtask scale`: those of `hct-bench scale`.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Measures, and ends with the exit status of `hct-bench`.
pub fn run(args: &Args) -> Result<ExitCode> {
    // A given tool is not built, nor where nothing is run.
    let needs_none = |option: &OsString| {
        let option = option.to_string_lossy();
        ["--hct", "--render", "--check", "--help"]
            .iter()
            .any(|known| option.starts_with(known))
    };
    if !args.options.iter().any(needs_none) {
        build("hct-cli", &["remote"])?;
    }
    let mut options = vec![OsString::from("scale")];
    options.extend(args.options.iter().cloned());
    hct_bench(&options)
}
