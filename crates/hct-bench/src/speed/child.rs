//! Programs as processes of their own, and what they take and leave.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::peak::Peak;

/// A process that has ended well.
pub struct Ended {
    /// From start to end.
    pub seconds: f64,
    /// The most memory that it had, where the system tells.
    pub peak_bytes: Option<u64>,
    /// What it printed, where that was piped.
    pub stdout: Vec<u8>,
}

impl Ended {
    /// Runs it.
    ///
    /// # Errors
    /// When it cannot be started or fails; the error has what it said.
    pub fn after(mut command: Command) -> Result<Ended> {
        command.stderr(Stdio::piped());
        let start = Instant::now();
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot start {command:?}"))?;
        let peak = Peak::watch(child.id());
        let ended = child.wait_with_output()?;
        let seconds = start.elapsed().as_secs_f64();
        let errors = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "{command:?} failed: {errors}");
        Ok(Ended {
            seconds,
            peak_bytes: peak.end(),
            stdout: ended.stdout,
        })
    }
}

/// The `hct` beside this program, which `maker` builds.
///
/// # Errors
/// When it is not there.
pub fn hct_beside(maker: &str) -> Result<PathBuf> {
    let mut path = env::current_exe()?;
    path.set_file_name(format!("hct{}", env::consts::EXE_SUFFIX));
    ensure!(
        path.exists(),
        "{} is not there: `{maker}` builds it",
        path.display()
    );
    Ok(path)
}

/// Bytes of a file, or of all files in a folder.
pub fn size(path: &Path) -> Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    let mut total = 0;
    for entry in fs::read_dir(path)? {
        total += size(&entry?.path())?;
    }
    Ok(total)
}
