//! The tool on a checkpoint that is in the page cache: the driver.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use tempfile::TempDir;

use super::child::{Ended, hct_beside, size};
use super::lane::Lane;
use super::machine::Machine;
use super::order::Order;
use super::report::{Job, Mode, Tool, ToolRow};
use super::spread::Spread;

/// After so long a machine that gives free memory back to its host has given back most.
pub const PAUSE: Duration = Duration::from_secs(8);

/// Measures `hct` on a checkpoint: everything once a round, on one thread and on all cores.
pub fn measure(checkpoint: &Path, rounds: usize) -> Result<Tool> {
    let machine = Machine::here();
    let hct = hct_beside("cargo xtask bench --tool")?;
    let bench = Bench {
        checkpoint,
        hct,
        level: machine.best_level().to_owned(),
        // Beside the checkpoint, so that both are on one file system.
        folder: tempfile::tempdir_in(checkpoint.parent().unwrap_or(Path::new(".")))?,
    };
    let runs = runs(&machine);
    let mut rows: Vec<(Vec<f64>, Option<u64>, u64)> = vec![Default::default(); runs.len()];
    let bar = ProgressBar::new((rounds * runs.len()) as u64);
    for _ in 0..rounds {
        for (&(job, threads), row) in runs.iter().zip(&mut rows) {
            bar.set_message(format!("{job:?} on {threads}"));
            bench.settle()?;
            if job == Job::CopyLater {
                thread::sleep(PAUSE);
            }
            let run = bench.run(job, threads);
            let run = run.with_context(|| format!("{job:?} on {threads} threads"))?;
            row.0.push(run.seconds);
            row.1 = row.1.max(run.peak);
            row.2 = run.written;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let rows = runs.into_iter().zip(rows);
    let rows = rows.map(|((job, threads), (seconds, peak_bytes, written))| ToolRow {
        job,
        threads,
        seconds: Spread::of(&seconds),
        peak_bytes,
        written,
    });
    Ok(Tool {
        rows: rows.collect(),
        bytes: size(checkpoint)?,
        machine,
        rounds,
    })
}

/// What is run, in an order in which each finds what it needs.
fn runs(machine: &Machine) -> Vec<(Job, usize)> {
    let each = |job| {
        machine
            .threads()
            .into_iter()
            .map(move |threads| (job, threads))
    };
    let mut runs = Vec::new();
    for mode in Mode::ALL {
        for job in [
            Job::Compress(mode),
            Job::Decompress(mode),
            Job::Decoder(mode),
            Job::Encoder(mode),
        ] {
            runs.extend(each(job));
        }
    }
    runs.extend(each(Job::CompressUnproven));
    runs.extend([Job::Copy, Job::CopySynced, Job::CopyLater].map(|job| (job, 1)));
    runs
}

struct Bench<'a> {
    checkpoint: &'a Path,
    hct: PathBuf,
    level: String,
    folder: TempDir,
}

struct Run {
    seconds: f64,
    peak: Option<u64>,
    written: u64,
}

impl Bench<'_> {
    /// Makes all that follows begin alike: the disk has what was written before, and there is free memory
    /// that was in use a moment ago. A virtual machine gives memory that has been free for some seconds back to
    /// its host, and the first to write to it again pays several times what writing takes.
    fn settle(&self) -> Result<()> {
        let scratch = self.folder.path().join("scratch");
        let mut copy = Command::new("cp");
        copy.arg("-r").arg(self.checkpoint).arg(&scratch);
        done(copy, "cp")?;
        done(Command::new("sync"), "sync")?;
        remove(&scratch)
    }

    fn file(&self, mode: Mode) -> PathBuf {
        self.folder.path().join(match mode {
            Mode::Default => "default.hct",
            Mode::Lossless => "lossless.hct",
        })
    }

    fn run(&self, job: Job, threads: usize) -> Result<Run> {
        let copy = self.folder.path().join("copy");
        match job {
            Job::Compress(Mode::Default) => self.compress(Mode::Default, &[], threads),
            Job::Compress(Mode::Lossless) => {
                self.compress(Mode::Lossless, &["--strategy", "lossless"], threads)
            }
            Job::CompressUnproven => {
                let options = ["--strategy", "lossless", "--no-verify"];
                self.compress(Mode::Lossless, &options, threads)
            }
            Job::Decompress(mode) => {
                let mut command = Command::new(&self.hct);
                command.arg("decompress").arg(self.file(mode));
                command.arg("-o").arg(&copy);
                let run = self.timed(self.with_threads(command, threads), &copy)?;
                if mode == Mode::Lossless {
                    self.check(&copy)?;
                }
                remove(&copy)?;
                Ok(run)
            }
            Job::Decoder(mode) => {
                let path = self.file(mode).to_string_lossy().into_owned();
                let measured = Lane::ours(&self.level, threads)?.measure(&Order::File { path })?;
                Ok(in_memory(measured.decode))
            }
            Job::Encoder(mode) => {
                let path = self.checkpoint.to_string_lossy().into_owned();
                let exact = mode == Mode::Lossless;
                let order = Order::Checkpoint { path, exact };
                let measured = Lane::ours(&self.level, threads)?.measure(&order)?;
                Ok(in_memory(measured.encode))
            }
            Job::Copy | Job::CopyLater => {
                let mut command = Command::new("cp");
                command.arg("-r").arg(self.checkpoint).arg(&copy);
                let run = self.timed(command, &copy)?;
                remove(&copy)?;
                Ok(run)
            }
            Job::CopySynced => {
                let mut command = Command::new("sh");
                // All arguments by name: paths may have any characters.
                command.args(["-c", "cp -r \"$0\" \"$1\" && sync \"$1\"/*"]);
                command.arg(self.checkpoint).arg(&copy);
                let run = self.timed(command, &copy)?;
                remove(&copy)?;
                Ok(run)
            }
        }
    }

    fn compress(&self, mode: Mode, options: &[&str], threads: usize) -> Result<Run> {
        let output = self.file(mode);
        remove(&output)?;
        let mut command = Command::new(&self.hct);
        command.arg("compress").arg(self.checkpoint);
        command.arg("-o").arg(&output).args(options);
        self.timed(self.with_threads(command, threads), &output)
    }

    fn with_threads(&self, mut command: Command, threads: usize) -> Command {
        command.args(["--threads", &threads.to_string()]);
        command.env("HCT_SIMD", &self.level);
        command
    }

    fn timed(&self, mut command: Command, output: &Path) -> Result<Run> {
        command.stdout(Stdio::null());
        let ended = Ended::after(command)?;
        Ok(Run {
            seconds: ended.seconds,
            peak: ended.peak_bytes,
            written: size(output)?,
        })
    }

    /// Fails unless every file of the checkpoint came back.
    fn check(&self, copy: &Path) -> Result<()> {
        let mut command = Command::new("diff");
        let status = command.arg("-rq").arg(self.checkpoint).arg(copy).status();
        ensure!(
            status.context("cannot start diff")?.success(),
            "the checkpoint came back changed"
        );
        Ok(())
    }
}

fn in_memory(seconds: f64) -> Run {
    Run {
        seconds,
        peak: None,
        written: 0,
    }
}

/// Runs a command of the system.
fn done(mut command: Command, name: &str) -> Result<()> {
    let status = command.status();
    let status = status.with_context(|| format!("cannot start {name}"))?;
    ensure!(status.success(), "{name} failed");
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?;
    } else if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(())
}
