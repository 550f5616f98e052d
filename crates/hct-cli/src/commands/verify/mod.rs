//! `hct verify`.

mod several;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use hct_model::{
    Error, HctFile, Progress, VerifyFailure, shown, verify, verify_deep, without_secrets,
};
use serde::Serialize;

use crate::base_args::{BaseArgs, check_base};
use crate::common_args::CommonArgs;
use crate::damage;
use crate::many_files::hct_files;
use crate::opened::open_hct;
use crate::progress::Bar;
use crate::units;

/// Check every checksum of .hct files, and that all of them decode
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// An .hct file; or several, or folders whose .hct files are checked, those in folders within
    /// as well
    #[arg(value_name = "FILE.hct", required = true)]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    base: BaseArgs,
    /// Also hold every tensor that comes back bit for bit against the hash of what it was, where the
    /// file has hashes: `hct compress` stores them where the strategy is lossless, or with --hashes
    #[arg(long)]
    deep: bool,
    /// Files that are checked at once, where there are several
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct verify my-model.hct && echo intact
  hct verify delta.hct --base my-model
  hct verify models --jobs 4
  hct verify --deep archive.hct
  hct verify my-model.hct --json | jq -r '.failures[].name'

Without --base only the checksums are checked of tensors that are coded against one; the report
says of how many.

Exit status: 0 intact, 1 damaged; every damaged tensor and carried file is named. Of several files it
is 1 if any is damaged.";

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// Tensors checked.
    tensors: usize,
    /// Those of them whose checksums alone were checked, because their base was not given.
    not_decoded: usize,
    /// Those of them that were held against the hash of what they were; only with --deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    proved: Option<usize>,
    /// Tensors of the checkpoint that are in other parts, where the file is a part.
    in_other_parts: usize,
    /// Carried files checked.
    files: usize,
    bytes: u64,
    seconds: f64,
    failures: Vec<VerifyFailure>,
}

impl Verify {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        match (hct_files(&self.inputs)?, &self.inputs[..]) {
            (None, [input]) => self.one(input),
            (files, _) => self.several(&files.unwrap_or_default()),
        }
    }

    fn one(&self, input: &Path) -> anyhow::Result<()> {
        let bytes = input.metadata().map_or(0, |m| m.len());
        let (report, error) = self.check(input, &Bar::new("checking", bytes))?;
        self.common.print(&report, |report| match &error {
            // The table would only repeat the error.
            Some(_) => String::new(),
            None => report.table(input),
        })?;
        let only_blocks = report.failures.iter().all(|f| f.kind == "recovery block");
        match (error, report.failures.len()) {
            (Some(error), _) => Err(error),
            (None, 0) => Ok(()),
            (None, n) if only_blocks => bail!(
                "{n} recovery blocks of {0} are damaged, which nothing is decoded from: `hct recover {0} -o \
                 OUT` makes them anew",
                input.display()
            ),
            (None, 1) => bail!(
                "1 part of {} is damaged: copy or download it again",
                input.display()
            ),
            (None, n) => bail!(
                "{n} parts of {} are damaged: copy or download it again",
                input.display()
            ),
        }
    }

    /// Opens a file that may be decoded.
    fn open(&self, input: &Path) -> anyhow::Result<HctFile> {
        let model = open_hct(input, self.base.limits())?;
        model.check_limits()?;
        Ok(model)
    }

    /// What there is to say of a file, and why it could not be opened. Errs where the base is wrong.
    /// `bar` is told the bytes of the file that have been checked.
    fn check(&self, input: &Path, bar: &Bar) -> anyhow::Result<(Report, Option<anyhow::Error>)> {
        let begin = Instant::now();
        let model = match self.open(input) {
            Ok(model) => model,
            Err(error) => {
                let report = Report {
                    ok: false,
                    tensors: 0,
                    not_decoded: 0,
                    proved: None,
                    in_other_parts: 0,
                    files: 0,
                    bytes: input.metadata().map_or(0, |m| m.len()),
                    seconds: begin.elapsed().as_secs_f64(),
                    failures: vec![VerifyFailure {
                        kind: "index",
                        name: shown(input).display().to_string(),
                        error: without_secrets(&format!("{error:#}")).into_owned(),
                        pieces: Vec::new(),
                    }],
                };
                return Ok((report, Some(error)));
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
        let (failures, proved) = match self.deep {
            true => (verify_deep(&model, bar), Some(model.provable_tensors())),
            false => (verify(&model, bar), None),
        };
        if bar.cancelled() {
            return Err(Error::Cancelled.into());
        }
        let report = Report {
            ok: failures.is_empty(),
            tensors: model.index().tensors.len(),
            not_decoded,
            proved,
            in_other_parts: model.tensors_in_other_parts(),
            files: model.index().files.len(),
            bytes: model.file_bytes(),
            seconds: begin.elapsed().as_secs_f64(),
            failures,
        };
        Ok((report, None))
    }
}

impl Report {
    /// As a table of what is damaged, or a line.
    fn table(&self, input: &Path) -> String {
        if self.ok {
            let note = match self.not_decoded {
                0 => String::new(),
                n => format!(
                    "of {n} tensors only the checksums were checked: they are coded against \
                     another checkpoint; pass it as --base to decode them, too\n"
                ),
            };
            let deep = match self.proved {
                None => String::new(),
                Some(0) => {
                    "no tensor has a hash to be held against: see --hashes of hct compress\n".into()
                }
                Some(n) => format!("{n} tensors come back as they were, by their BLAKE3 hashes\n"),
            };
            let part = match self.in_other_parts {
                0 => String::new(),
                n => format!(
                    "it is a part: {n} tensors of the checkpoint are in others; `hct merge` joins \
                     them\n"
                ),
            };
            return format!(
                "{}: intact ({} tensors and {} carried files in {}, checked in {})\n{deep}{note}{part}",
                shown(input).display(),
                self.tensors,
                self.files,
                units::bytes(self.bytes),
                units::time(Duration::from_secs_f64(self.seconds))
            );
        }
        damage::table(&self.failures)
    }
}
