//! `hct split`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{ArgGroup, Args};
use hct_model::{AtomicFile, HctFile, Part, split, split_by_size, with_part};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::limit_args::LimitArgs;
use crate::opened::open_hct;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::size;
use crate::table::{Align, Table};
use crate::units;

/// Cut an .hct file into parts that `hct merge` joins again
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("how").required(true).args(["parts", "max_size"]))]
pub struct Split {
    /// The file to cut
    input: PathBuf,
    /// So many parts, alike in bytes of weights: those of `hct compress --part`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parts: Option<u16>,
    /// Parts of at most this size, such as 500MB, of tensors that follow each other; a tensor that is
    /// larger is a part of its own
    #[arg(long, value_name = "SIZE", value_parser = size::bytes)]
    max_size: Option<u64>,
    /// The folder for the parts, which are called as the input: my-model-00001-of-00003.hct
    /// [default: that of the input]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Replace existing parts, if they are regular files
    #[arg(long)]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct split my-model.hct --parts 3
  hct split my-model.hct --max-size 2GB -o parts
  hct merge parts/my-model-*-of-*.hct -o my-model.hct

Nothing is decoded, and every checksum is checked. Every part carries the headers of the checkpoint's
files, the first its configuration and tokenizer, too. Tensors of a part are read like those of any
.hct file (info, extract, verify); a checkpoint is made of all parts.";

#[derive(Serialize)]
struct Report {
    parts: Vec<Entry>,
    seconds: f64,
}

#[derive(Serialize)]
struct Entry {
    path: String,
    tensors: usize,
    bytes: u64,
}

impl Split {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        self.common.start()?;
        let model = open_hct(&self.input, self.limits.limits())?;
        let parts = match (self.parts, self.max_size) {
            (Some(parts), _) => split(&model, parts.into()),
            (None, Some(most)) => split_by_size(&model, self.room(&model, most)?),
            (None, None) => return Err(usage("give --parts or --max-size")),
        };
        let paths = (1..=parts.len())
            .map(|number| self.path(number, parts.len()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for path in &paths {
            check_file(path, &self.input, self.force)?;
        }
        let tensors = model.index().tensors.iter();
        let bar = Bar::new("splitting", tensors.map(|t| t.payload_bytes()).sum());
        // All are written before the first gets its name.
        let mut files = Vec::new();
        for (i, (tensors, path)) in parts.iter().zip(&paths).enumerate() {
            let part = Part::new(i + 1, parts.len())
                .with_context(|| format!("{} parts are too many", parts.len()))?;
            let made_by = model.index().provenance.as_deref();
            let made_by = made_by.map(|text| with_part(text, part).unwrap_or_else(|| text.into()));
            let file = AtomicFile::create(path)?;
            let made_by = made_by.as_deref();
            let file = model.write_part(tensors, part.is_first(), file, made_by, &bar);
            files.push(file.with_context(|| format!("making {}", path.display()))?);
        }
        for file in files {
            file.finish(self.force)?;
        }
        drop(bar);
        let entry = |(path, tensors): (&PathBuf, &Vec<usize>)| {
            Ok(Entry {
                path: path.display().to_string(),
                tensors: tensors.len(),
                bytes: path.metadata()?.len(),
            })
        };
        let report = Report {
            parts: paths
                .iter()
                .zip(&parts)
                .map(entry)
                .collect::<anyhow::Result<_>>()?,
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, table)
    }

    /// What is left for the payload of tensors in parts of `most` bytes: the first of them has most
    /// beside it.
    fn room(&self, model: &HctFile, most: u64) -> anyhow::Result<u64> {
        let files = model.index().files.iter().map(|f| f.stored_bytes());
        // Recovery blocks have it once more, or will have.
        let index = model.index_bytes() + model.recovery_bytes().max(model.index_bytes());
        let beside = files.sum::<u64>() + index + ENDS;
        most.checked_sub(beside)
            .filter(|&room| room > 0)
            .ok_or_else(|| {
                usage(format!(
                    "--max-size {} has no room for tensors: carried files and the index alone take \
                     {}; give more",
                    units::bytes(most),
                    units::bytes(beside)
                ))
            })
    }

    /// What a part is called.
    fn path(&self, number: usize, of: usize) -> anyhow::Result<PathBuf> {
        let stem = self.input.file_stem().unwrap_or_default();
        let stem = stem
            .to_str()
            .with_context(|| format!("{} is not UTF-8; rename it", self.input.display()))?;
        let folder = match &self.output {
            Some(folder) => folder,
            None => self.input.parent().unwrap_or(Path::new("")),
        };
        Ok(folder.join(format!("{stem}-{number:05}-of-{of:05}.hct")))
    }
}

/// More than the header and the trailer of a file, the frame of a recovery block, and what a part says twice of
/// which one it is.
const ENDS: u64 = 512;

fn table(report: &Report) -> String {
    let columns = [
        ("part", Align::Left),
        ("tensors", Align::Right),
        ("size", Align::Right),
    ];
    let mut table = Table::new(&columns);
    for part in &report.parts {
        let size = units::bytes(part.bytes);
        table.row([part.path.clone(), part.tensors.to_string(), size]);
    }
    let seconds = units::time(Duration::from_secs_f64(report.seconds));
    format!(
        "{}{} parts in {seconds}\n",
        table.render(),
        report.parts.len()
    )
}
