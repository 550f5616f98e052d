//! A line for each of several files.

use std::path::{Path, PathBuf};

use anyhow::bail;
use hct_core::Limits;
use hct_model::{MadeBy, shown, without_secrets};
use serde::Serialize;

use super::Info;
use crate::opened::open_hct;
use crate::table::{Align, Table, printable};
use crate::units;

#[derive(Serialize)]
struct ReportOfAll {
    files: Vec<Line>,
    /// All files that could be opened.
    bytes: u64,
    input_bytes: u64,
    /// How many could not be opened.
    unreadable: usize,
}

/// A file, or why it could not be opened.
#[derive(Serialize)]
struct Line {
    path: String,
    error: Option<String>,
    #[serde(flatten)]
    file: Option<Summary>,
}

#[derive(Serialize)]
struct Summary {
    made_by: Option<MadeBy>,
    tensors: usize,
    weights: u64,
    bytes: u64,
    bits_per_weight: f64,
    /// Safetensors files and carried side files.
    input_bytes: u64,
    ratio: f64,
    /// Whether it takes another checkpoint to decode it.
    needs_base: bool,
    /// Whether it takes raised limits to decode it.
    over_limits: bool,
}

impl Info {
    pub(super) fn several(&self, paths: &[PathBuf]) -> anyhow::Result<()> {
        let limits = self.limits.limits();
        let files: Vec<Line> = paths.iter().map(|path| line(path, limits)).collect();
        let summaries = || files.iter().filter_map(|line| line.file.as_ref());
        let report = ReportOfAll {
            bytes: summaries().map(|file| file.bytes).sum(),
            input_bytes: summaries().map(|file| file.input_bytes).sum(),
            unreadable: files.iter().filter(|line| line.error.is_some()).count(),
            files,
        };
        self.common.print(&report, table)?;
        match report.unreadable {
            0 => Ok(()),
            n => bail!("{n} of {} files cannot be read", report.files.len()),
        }
    }
}

fn line(path: &Path, limits: Limits) -> Line {
    let summary = open_hct(path, limits).map(|model| {
        let index = model.index();
        let (bytes, input_bytes) = (model.file_bytes(), model.input_bytes());
        let weights = model.weights();
        Summary {
            made_by: index.provenance.as_deref().map(MadeBy::of),
            tensors: index.tensors.len(),
            weights,
            bytes,
            bits_per_weight: units::bits_per(bytes, weights),
            input_bytes,
            ratio: units::ratio(input_bytes as f64, bytes as f64),
            needs_base: model.needs_base(),
            over_limits: model.check_limits().is_err(),
        }
    });
    let (file, error) = match summary {
        Ok(file) => (Some(file), None),
        Err(error) => (
            None,
            Some(without_secrets(&format!("{error:#}")).into_owned()),
        ),
    };
    Line {
        path: shown(path).display().to_string(),
        error,
        file,
    }
}

fn table(report: &ReportOfAll) -> String {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("file", Left),
        ("tensors", Right),
        ("weights", Right),
        ("size", Right),
        ("bits/weight", Right),
        ("ratio", Right),
        ("note", Left),
    ]);
    for line in &report.files {
        let path = printable(&line.path);
        let blank = String::new;
        match &line.file {
            Some(file) => table.row([
                path,
                file.tensors.to_string(),
                units::count(file.weights as f64),
                units::bytes(file.bytes),
                units::fixed(file.bits_per_weight, 3),
                units::fixed(file.ratio, 2) + "x",
                match (file.over_limits, file.needs_base) {
                    (true, _) => "asks for more than its length allows",
                    (false, true) => "needs its base",
                    (false, false) => "",
                }
                .to_owned(),
            ]),
            None => {
                let error = printable(line.error.as_deref().unwrap_or_default());
                table.row([path, blank(), blank(), blank(), blank(), blank(), error]);
            }
        }
    }
    format!(
        "{}{} files, {} made from {} ({}x)\n",
        table.render(),
        report.files.len(),
        units::bytes(report.bytes),
        units::bytes(report.input_bytes),
        units::fixed(
            units::ratio(report.input_bytes as f64, report.bytes as f64),
            2
        )
    )
}
