//! `hct merge`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use hct_model::{AtomicFile, HctFile, made_by_parts, merge};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::destination::{Destination, is_elsewhere};
use crate::limit_args::LimitArgs;
use crate::opened::open_hct;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::streams::is_stream;
use crate::units;

/// Join the parts of a model to one .hct file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Merge {
    /// The parts, in any order, all of them
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "OUT.hct")]
    output: PathBuf,
    /// Replace an existing output, if it is a regular file: no link, device or pipe
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct compress my-model --part 1/2 -o part-1.hct     on one machine
  hct compress my-model --part 2/2 -o part-2.hct     on another
  hct merge part-1.hct part-2.hct -o my-model.hct

Parts are copied as they are coded, nothing is decoded, and every checksum is checked. The file is
the one that `hct compress` without --part writes, byte for byte. Parts must have been made with the
same options by the same version.";

#[derive(Serialize)]
struct Report {
    parts: usize,
    tensors: usize,
    output_bytes: u64,
    seconds: f64,
}

impl Merge {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        let elsewhere = is_elsewhere(&self.output);
        for path in self.parts.iter().filter(|_| !elsewhere) {
            check_file(&self.output, path, self.force)?;
        }
        self.common.start()?;
        let parts = self
            .parts
            .iter()
            .map(|path| open_hct(path, self.limits.limits()))
            .collect::<anyhow::Result<Vec<HctFile>>>()?;
        let made_by = made_by_parts(&parts)?;
        let tensors = || parts.iter().flat_map(|part| &part.index().tensors);
        let bar = Bar::new("merging", tensors().map(|t| t.payload_bytes()).sum());
        let making = || format!("making {}", self.output.display());
        let output_bytes = match elsewhere {
            true => {
                let out = Destination::begin(&self.output, self.force)?;
                let out = merge(&parts, out, made_by.as_deref(), &bar).with_context(making)?;
                out.finish(&self.output, self.force)?
            }
            false => {
                let file = AtomicFile::create(&self.output)?;
                let file = merge(&parts, file, made_by.as_deref(), &bar).with_context(making)?;
                file.finish(self.force)?;
                self.output.metadata()?.len()
            }
        };
        drop(bar);
        let report = Report {
            parts: parts.len(),
            tensors: tensors().count(),
            output_bytes,
            seconds: begin.elapsed().as_secs_f64(),
        };
        let text = |report: &Report| {
            format!(
                "{}: {} parts, {} tensors, {} in {}\n",
                self.output.display(),
                report.parts,
                report.tensors,
                units::bytes(report.output_bytes),
                units::time(Duration::from_secs_f64(report.seconds))
            )
        };
        match is_stream(&self.output) {
            true => self.common.print_beside_output(&report, text),
            false => self.common.print(&report, text),
        }
    }
}
