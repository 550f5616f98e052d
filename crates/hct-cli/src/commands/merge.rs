//! `hct merge`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hct_model::{AtomicFile, HctFile, PartFault, merge, without_part};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::limit_args::LimitArgs;
use crate::opened::open_hct;
use crate::output_path::check_file;
use crate::progress::Bar;
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
    /// Replace an existing output
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
        for path in &self.parts {
            check_file(&self.output, path, self.force)?;
        }
        self.common.start()?;
        let parts = self
            .parts
            .iter()
            .map(|path| open_hct(path, self.limits.limits()))
            .collect::<anyhow::Result<Vec<HctFile>>>()?;
        let made_by = made_by(&parts)?;
        let tensors = || parts.iter().flat_map(|part| &part.index().tensors);
        let bar = Bar::new("merging", tensors().map(|t| t.payload_bytes()).sum());
        let file = AtomicFile::create(&self.output)?;
        let file = merge(&parts, file, made_by.as_deref(), &bar)?;
        file.finish(self.force)?;
        drop(bar);
        let report = Report {
            parts: parts.len(),
            tensors: tensors().count(),
            output_bytes: self.output.metadata()?.len(),
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, |report| {
            format!(
                "{}: {} parts, {} tensors, {} in {}\n",
                self.output.display(),
                report.parts,
                report.tensors,
                units::bytes(report.output_bytes),
                units::time(Duration::from_secs_f64(report.seconds))
            )
        })
    }
}

/// What all parts say of how they were made.
fn made_by(parts: &[HctFile]) -> anyhow::Result<Option<String>> {
    let says = |part: &HctFile| part.index().provenance.as_deref().map(without_part);
    let Some(first) = parts.first() else {
        return Ok(None);
    };
    let said = says(first);
    match parts.iter().find(|part| says(part) != said) {
        None => Ok(said),
        Some(part) => Err(hct_model::Error::Part {
            path: part.name().to_owned(),
            fault: PartFault::MadeOtherwise {
                what: "what it says of it (hct info)",
                first: first.name().display().to_string(),
            },
        }
        .into()),
    }
}
