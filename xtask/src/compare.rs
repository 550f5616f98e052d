//! `cargo xtask compare`: runs the crate `hct-bench`, which takes minutes to build and so is no
//! dependency of the other tasks.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::fetch::default_cache;

/// Options of `cargo xtask compare`: those of `hct-bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Passed on as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds and runs `hct-bench`, and ends with its exit status.
pub fn run(args: &Args) -> Result<ExitCode> {
    hct_bench(&args.options)
}

/// Builds and runs `hct-bench` with these options, and returns its exit status.
pub fn hct_bench(options: &[OsString]) -> Result<ExitCode> {
    let mut command = cargo("run", "hct-bench");
    command.arg("--").args(options);
    // Where fetched models lie is decided in one place. Without a home folder there are none, but
    // what needs none still works.
    if let Ok(cache) = default_cache() {
        command.env("HCT_CACHE", cache);
    }
    let status = command.status().context("cannot start cargo")?;
    // No code: ended by a signal.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Builds a package's programs with these features besides, which lie beside `hct-bench` then.
pub fn build(package: &str, features: &[&str]) -> Result<()> {
    let mut command = cargo("build", package);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    let status = command.status();
    let status = status.context("cannot start cargo")?;
    ensure!(status.success(), "{package} does not build");
    Ok(())
}

/// Cargo at work on a package of this workspace.
fn cargo(what: &str, package: &str) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // What measures takes the release; what only checks may take a build that is there.
    let profile = env::var("HCT_PROFILE").unwrap_or_else(|_| "release".into());
    let mut command = Command::new(cargo);
    command
        .args([what, "--profile", &profile, "--package", package])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    command
}
