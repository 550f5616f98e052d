//! `hct recover`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use hct_model::{RecoverReport, recover};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::damage;
use crate::failure::usage;
use crate::limit_args::LimitArgs;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::streams::is_stream;
use crate::table::printable;
use crate::units;

/// Save what is left of a damaged .hct file, one that cannot be opened any more as well
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Recover {
    /// The damaged file, or what there is of it
    #[arg(value_name = "FILE.hct")]
    input: PathBuf,
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
  hct recover cut-short.hct -o what-is-left.hct
  hct decompress what-is-left.hct -o my-model --keep-going

Every .hct file has its index once more, in pieces beside the tensors. Where the index at the end is damaged
or cut off, these recovery blocks tell what is in the file. Tensors and carried files are copied as they are coded,
nothing is decoded; what fails its checksum is left out and named.

Exit status: 0 if all of the file is in OUT.hct, which then is the file as it was written, byte for byte;
1 if anything is missing.";

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    recovered: RecoverReport,
    output_bytes: u64,
    seconds: f64,
}

impl Recover {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        if is_stream(&self.input) || is_stream(&self.output) {
            return Err(usage(
                "what is left is read twice, and written to a file: give names, not -",
            ));
        }
        check_file(&self.output, &self.input, self.force)?;
        self.common.start()?;
        let bytes = self.input.metadata().map_or(0, |m| m.len());
        let bar = Bar::new("recovering", bytes);
        let limits = self.limits.limits();
        let recovered = recover(&self.input, &self.output, self.force, limits, &bar)?;
        drop(bar);
        let report = Report {
            recovered,
            output_bytes: self.output.metadata()?.len(),
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, |report| self.text(report))?;
        match report.recovered.complete {
            true => Ok(()),
            false => bail!(
                "not all of {} could be recovered: {out} has what is left, of which `hct decompress {out} -o \
                 FOLDER --keep-going` makes files; for the rest copy or download the original again",
                self.input.display(),
                out = self.output.display()
            ),
        }
    }

    fn text(&self, report: &Report) -> String {
        let recovered = &report.recovered;
        let mut text = match &recovered.lost[..] {
            [] => String::new(),
            lost => damage::table(lost) + "\n",
        };
        text += &format!(
            "{}: {} tensors and {} carried files, {} in {}\n",
            self.output.display(),
            recovered.tensors,
            recovered.files,
            units::bytes(report.output_bytes),
            units::time(Duration::from_secs_f64(report.seconds))
        );
        for note in notes(recovered) {
            text += &(note + "\n");
        }
        text
    }
}

/// How it was come by, and what there is to say of what is missing without a name.
fn notes(recovered: &RecoverReport) -> Vec<String> {
    let mut notes = Vec::new();
    let blocks = recovered.blocks;
    if let Some(fault) = &recovered.index_fault {
        notes.push(format!(
            "its index is rebuilt from {blocks} recovery blocks ({})",
            printable(fault)
        ));
    }
    match recovered.damaged_blocks {
        0 if recovered.complete && recovered.index_fault.is_none() => {
            notes.push("nothing was damaged: it is a copy".into());
        }
        0 => {}
        n => notes.push(format!(
            "{n} recovery blocks were damaged, and are made anew"
        )),
    }
    if recovered.missing_tensors > 0 || recovered.missing_files > 0 {
        let places = recovered.missing_in.iter().take(3);
        let mut places: Vec<String> = places
            .map(|place| format!("{} to {}", place.start, place.end))
            .collect();
        if recovered.missing_in.len() > places.len() {
            places.push("others".into());
        }
        notes.push(format!(
            "what tells of {} tensors and {} carried files is lost, which were within bytes {}",
            recovered.missing_tensors,
            recovered.missing_files,
            places.join(", ")
        ));
    }
    if recovered.end_missing {
        notes.push(
            "the end is lost, and with it how the file was made; more may be missing than is known"
                .into(),
        );
    }
    if recovered.without_shard > 0 {
        notes.push(format!(
            "{} tensors are of a file whose header is lost; `hct extract` reads them",
            recovered.without_shard
        ));
    }
    if recovered.ignored_blocks > 0 {
        notes.push(format!(
            "{} recovery blocks are of another file or contradict the others, and were left out",
            recovered.ignored_blocks
        ));
    }
    notes
}
