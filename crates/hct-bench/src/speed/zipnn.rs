//! ZipNN, a Python package, in a process of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::entrants::DTYPES;
use super::lane::Lane;
use super::worker::SHAPE;
use crate::weights::gaussian_bytes;

/// What tables call it.
pub const NAME: &str = "ZipNN";

const PACKAGE: &str = "zipnn==0.5.4";
const SCRIPT: &str = include_str!("zipnn.py");

/// A worker that times ZipNN, and the weights that it reads.
pub struct ZipNn {
    /// The worker.
    pub lane: Lane,
    _weights: TempDir,
}

impl ZipNn {
    /// Starts it, after installing it where that has not been done.
    ///
    /// # Errors
    /// When there is no Python, or the package cannot be had or built.
    pub fn start() -> Result<ZipNn> {
        let python = python()?;
        if !imports(&python, "zipnn_core, numpy")? {
            // Without PyTorch and what else its tensors take: 5 GB that bytes do not need.
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "numpy"]))?;
            run(Command::new(&python).args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                PACKAGE,
            ]))?;
        }
        let weights = tempfile::tempdir().context("no room for temporary files")?;
        for dtype in DTYPES {
            let bytes = gaussian_bytes(SHAPE.0 * SHAPE.1, dtype)?;
            fs::write(weights.path().join(dtype.name()), bytes)?;
        }
        let mut command = Command::new(python);
        command.arg("-c").arg(SCRIPT).arg(weights.path());
        // As this program has its allocator: freed memory is kept for what is allocated next.
        for (name, value) in [
            ("MALLOC_MMAP_THRESHOLD_", "33554432"),
            ("MALLOC_TRIM_THRESHOLD_", "2147483647"),
            ("MALLOC_TOP_PAD_", "67108864"),
        ] {
            command.env(name, value);
        }
        Ok(ZipNn {
            lane: Lane::start(command)?,
            _weights: weights,
        })
    }
}

/// The Python of the environment that other tools of the project keep, too.
fn python() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let venv = match (set("HCT_VENV"), set("HCT_CACHE")) {
        (Some(venv), _) => PathBuf::from(venv),
        (None, Some(cache)) => Path::new(&cache).join("venv"),
        (None, None) => anyhow::bail!("no cache folder: set HCT_CACHE"),
    };
    let python = venv.join("bin").join("python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            .context("no environment for Python packages")?;
    }
    Ok(python)
}

fn imports(python: &Path, modules: &str) -> Result<bool> {
    let mut command = Command::new(python);
    command.args(["-c", &format!("import {modules}")]);
    command.stderr(Stdio::null());
    let status = command.status().context("cannot start Python")?;
    Ok(status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
