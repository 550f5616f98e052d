//! Checking several files.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use hct_model::shown;
use serde::Serialize;

use super::{Report, Verify};
use crate::failure::usage;
use crate::many_files::at_once;
use crate::progress::Bar;
use crate::table::{Align, Table, printable};
use crate::units;

#[derive(Serialize)]
struct ReportOfAll {
    ok: bool,
    /// How many files are damaged.
    damaged: usize,
    seconds: f64,
    files: Vec<ReportOfFile>,
}

#[derive(Serialize)]
struct ReportOfFile {
    path: String,
    #[serde(flatten)]
    report: Report,
}

impl Verify {
    pub(super) fn several(&self, paths: &[PathBuf]) -> anyhow::Result<()> {
        let begin = Instant::now();
        if self.base.is_given() {
            return Err(usage(
                "--base is of one file; check files that have one each alone",
            ));
        }
        let sizes = paths
            .iter()
            .map(|path| path.metadata().map_or(0, |m| m.len()));
        let bar = Bar::new("checking", sizes.sum());
        let checked = at_once(self.jobs.into(), paths, |path| {
            let (report, _) = self.check(path, &bar)?;
            Ok(ReportOfFile {
                path: shown(path).display().to_string(),
                report,
            })
        });
        let files: Vec<ReportOfFile> = checked.into_iter().collect::<anyhow::Result<_>>()?;
        drop(bar);
        let damaged = files.iter().filter(|file| !file.report.ok).count();
        let report = ReportOfAll {
            ok: damaged == 0,
            damaged,
            seconds: begin.elapsed().as_secs_f64(),
            files,
        };
        self.common.print(&report, table)?;
        match damaged {
            0 => Ok(()),
            n => bail!(
                "{n} of {} files are damaged: copy or download them again",
                report.files.len()
            ),
        }
    }
}

/// A line a file, another for everything that is damaged.
fn table(report: &ReportOfAll) -> String {
    let columns = [
        ("file", Align::Left),
        ("state", Align::Left),
        ("tensors", Align::Right),
        ("size", Align::Right),
        ("what is wrong", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for ReportOfFile { path, report } in &report.files {
        let state = match report {
            Report { ok: false, .. } => "damaged",
            Report {
                not_decoded: 1.., ..
            } => "checksums intact",
            Report {
                in_other_parts: 1..,
                ..
            } => "intact part",
            _ => "intact",
        };
        let mut failures = report.failures.iter().map(|failure| match failure.kind {
            "index" => printable(&failure.error),
            kind => format!(
                "{kind} {}: {}",
                printable(&failure.name),
                printable(&failure.error)
            ),
        });
        table.row([
            printable(path),
            state.to_owned(),
            report.tensors.to_string(),
            units::bytes(report.bytes),
            failures.next().unwrap_or_default(),
        ]);
        for failure in failures {
            let blank = String::new;
            table.row([blank(), blank(), blank(), blank(), failure]);
        }
    }
    let bytes = report.files.iter().map(|file| file.report.bytes).sum();
    format!(
        "{}{} files, {} damaged, {} in {}\n",
        table.render(),
        report.files.len(),
        report.damaged,
        units::bytes(bytes),
        units::time(Duration::from_secs_f64(report.seconds))
    )
}
