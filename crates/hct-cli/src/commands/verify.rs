//! `hct verify`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use hct_model::{VerifyFailure, verify};
use serde::Serialize;

use crate::base_args::{BaseArgs, check_base};
use crate::common_args::CommonArgs;
use crate::opened::open_hct;
use crate::progress::Bar;
use crate::table::{Align, Table, printable};
use crate::units;

/// Check every checksum of an .hct file, and that all of it decodes
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// The .hct file
    #[arg(value_name = "FILE.hct")]
    input: PathBuf,
    #[command(flatten)]
    base: BaseArgs,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct verify my-model.hct && echo intact
  hct verify delta.hct --base my-model
  hct verify my-model.hct --json | jq -r '.failures[].name'

Without --base only the checksums are checked of tensors that are coded against one; the report
says of how many.

Exit status: 0 intact, 1 damaged; every damaged tensor and carried file is named.";

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// Tensors checked.
    tensors: usize,
    /// Those of them whose checksums alone were checked, because their base was not given.
    not_decoded: usize,
    /// Carried files checked.
    files: usize,
    bytes: u64,
    seconds: f64,
    failures: Vec<VerifyFailure>,
}

impl Verify {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        self.common.start()?;
        let model = match open_hct(&self.input) {
            Ok(model) => model,
            Err(error) => {
                let report = Report {
                    ok: false,
                    tensors: 0,
                    not_decoded: 0,
                    files: 0,
                    bytes: self.input.metadata().map_or(0, |m| m.len()),
                    seconds: begin.elapsed().as_secs_f64(),
                    failures: vec![VerifyFailure {
                        kind: "index",
                        name: self.input.display().to_string(),
                        error: format!("{error:#}"),
                    }],
                };
                // The table would only repeat the error.
                self.common.print(&report, |_| String::new())?;
                return Err(error);
            }
        };
        let model = self.base.give(model)?;
        let on_base = model.index().tensors.iter().filter(|t| t.base().is_some());
        let not_decoded = if self.base.is_given() {
            0
        } else {
            on_base.count()
        };
        if self.base.is_given() {
            check_base(&model)?;
        }
        let sizes = model.index().tensors.iter().map(|t| t.decoded_bytes());
        let bar = Bar::new("checking", sizes.sum());
        let failures = verify(&model, &bar);
        drop(bar);
        let report = Report {
            ok: failures.is_empty(),
            tensors: model.index().tensors.len(),
            not_decoded,
            files: model.index().files.len(),
            bytes: model.file_bytes(),
            seconds: begin.elapsed().as_secs_f64(),
            failures,
        };
        self.common.print(&report, |report| self.table(report))?;
        match report.failures.len() {
            0 => Ok(()),
            1 => bail!(
                "1 part of {} is damaged: copy or download it again",
                self.input.display()
            ),
            n => bail!(
                "{n} parts of {} are damaged: copy or download it again",
                self.input.display()
            ),
        }
    }

    fn table(&self, report: &Report) -> String {
        if report.ok {
            let note = match report.not_decoded {
                0 => String::new(),
                n => format!(
                    "of {n} tensors only the checksums were checked: they are coded against \
                     another checkpoint; pass it as --base to decode them, too\n"
                ),
            };
            return format!(
                "{}: intact ({} tensors and {} carried files in {}, checked in {})\n{note}",
                self.input.display(),
                report.tensors,
                report.files,
                units::bytes(report.bytes),
                units::time(Duration::from_secs_f64(report.seconds))
            );
        }
        let columns = ["damaged", "name", "what is wrong"].map(|c| (c, Align::Left));
        let mut table = Table::new(&columns);
        for f in &report.failures {
            table.row([f.kind.to_owned(), printable(&f.name), printable(&f.error)]);
        }
        table.render()
    }
}
