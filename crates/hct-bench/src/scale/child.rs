//! `hct` as a process of its own, and what it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::speed::{Ended, hct_beside};

/// Ticks of a second in `/proc`, on every Linux.
const TICKS: f64 = 100.0;

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// From start to end.
    pub seconds: f64,
    /// Of all cores, by the program and by the system for it, where that is known.
    pub cpu_seconds: Option<f64>,
    /// The most memory that it had, where the system tells.
    pub peak_bytes: Option<u64>,
}

/// The tool.
pub struct Hct(PathBuf);

impl Hct {
    /// The one at `path`, or else beside this program.
    pub fn at(path: Option<&Path>) -> Result<Hct> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => hct_beside("cargo xtask scale")?,
        };
        ensure!(path.exists(), "{} is not there", path.display());
        Ok(Hct(path))
    }

    /// Runs it with these arguments, and gives what it printed.
    pub fn run(&self, args: &[&str], paths: &[&Path]) -> Result<(Run, Vec<u8>)> {
        let mut command = Command::new(&self.0);
        command.args(args).args(paths);
        command.stdout(Stdio::piped());
        let before = of_children();
        let ended = Ended::after(command)?;
        let cpu_seconds = of_children()
            .zip(before)
            .map(|(after, before)| after - before);
        let run = Run {
            seconds: ended.seconds,
            cpu_seconds,
            peak_bytes: ended.peak_bytes,
        };
        Ok((run, ended.stdout))
    }
}

/// CPU seconds of all children that have ended.
fn of_children() -> Option<f64> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before may hold anything.
    let (_, fields) = line.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS)
}
