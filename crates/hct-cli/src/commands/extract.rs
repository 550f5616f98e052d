//! `hct extract`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use hct_model::{
    FileSource, HctModel, Metered, TensorInfo, TensorSource, check_extracted, extract,
};
use serde::Serialize;

use crate::base_args::BaseArgs;
use crate::common_args::CommonArgs;
use crate::failure::usage;
use crate::output_path::check_file;
use crate::row_range::RowRange;
use crate::table::{Align, Table, printable};
use crate::units;

/// Names suggested for one that is not there.
const SUGGESTED: usize = 3;

/// Take one tensor, or some of its rows, out of an .hct file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Extract {
    /// The .hct file
    #[arg(value_name = "FILE.hct")]
    input: PathBuf,
    /// The name of the tensor; `hct info` lists all
    tensor: String,
    /// Only these rows, from A (counted from 0) up to, not including, B; a row is one index of the
    /// outermost dimension
    #[arg(long, value_name = "A..B")]
    rows: Option<RowRange>,
    /// The file to write: its ending, .safetensors or .npy, says as what
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Decode only the first K fragments, for an approximation from fewer bytes
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(1..=64))]
    fragments: Option<u8>,
    #[command(flatten)]
    base: BaseArgs,
    /// Replace an existing output, if it is a regular file: no link, device or pipe
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct extract my-model.hct model.embed_tokens.weight -o embeddings.npy
  hct extract my-model.hct model.embed_tokens.weight --rows 100..110 -o ten.safetensors
  hct extract my-model.hct lm_head.weight --rows ..1 -o first.npy --json | jq .read_bytes

Only the parts of the file that hold the rows are read. NumPy has no BF16: in an .npy file such
values are float32, exactly the same ones. Floats of 8 bits and less need a .safetensors file.";

#[derive(Serialize)]
struct Report {
    tensor: String,
    dtype: &'static str,
    /// Of what was written.
    shape: Vec<u64>,
    /// The first row written and the one after the last; none of a scalar.
    rows: Option<[u64; 2]>,
    /// NumPy's name for the elements of an .npy file.
    npy_dtype: Option<&'static str>,
    output_bytes: u64,
    /// Bytes read of the .hct file, its index included.
    read_bytes: u64,
    /// Bytes of the index.
    index_bytes: u64,
    /// Bytes of the whole .hct file.
    file_bytes: u64,
    seconds: f64,
}

impl Extract {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        check_extracted(&self.output)?;
        check_file(&self.output, &self.input, self.force)?;
        self.common.start()?;
        let (source, read) = Metered::new(FileSource::open(&self.input)?);
        let mut model = self.base.give(HctModel::new_within(
            &self.input,
            source,
            self.base.limits(),
        )?)?;
        if let Some(k) = self.fragments {
            model = model.with_fragments(k.into());
        }
        let Ok(number) = model.find(&self.tensor) else {
            return Err(usage(self.unknown(model.tensors())));
        };
        let rows = self.rows_of(&model.tensors()[number])?;
        let done = extract(&model, number, rows, &self.output, self.force)?;
        let report = Report {
            tensor: done.info.name.clone(),
            dtype: done.info.dtype.name(),
            shape: done.info.shape,
            rows: done.rows.map(|rows| [rows.start, rows.end]),
            npy_dtype: done.npy_dtype,
            output_bytes: done.output_bytes,
            read_bytes: read.load(Ordering::Relaxed),
            index_bytes: model.index_bytes(),
            file_bytes: model.file_bytes(),
            seconds: begin.elapsed().as_secs_f64(),
        };
        self.common.print(&report, |report| self.table(report))
    }

    /// The rows to write; all, unless some were asked for. A scalar has none.
    fn rows_of(&self, info: &TensorInfo) -> anyhow::Result<Option<Range<u64>>> {
        let Some(asked) = self.rows else {
            return Ok(info.shape.first().map(|&rows| 0..rows));
        };
        let name = printable(&info.name);
        let Some(&rows) = info.shape.first() else {
            return Err(usage(format!("{name} is a scalar: leave out --rows")));
        };
        asked.within(rows).map(Some).ok_or_else(|| {
            usage(format!(
                "{name} has {rows} rows, 0..{rows} (its shape is {:?})",
                info.shape
            ))
        })
    }

    /// That there is no such tensor, and which may be meant.
    fn unknown(&self, tensors: &[TensorInfo]) -> String {
        let asked = self.tensor.to_lowercase();
        let mut near: Vec<(usize, &str)> = tensors
            .iter()
            .filter_map(|t| {
                let name = t.name.to_lowercase();
                let distance = strsim::levenshtein(&asked, &name);
                let is_part = !asked.is_empty() && name.contains(&asked);
                let is_near = 3 * distance <= name.chars().count();
                (is_part || is_near).then_some((distance, &t.name[..]))
            })
            .collect();
        near.sort_unstable();
        let names: Vec<String> = near
            .iter()
            .take(SUGGESTED)
            .map(|(_, name)| printable(name))
            .collect();
        let suggestion = match names.is_empty() {
            true => String::new(),
            false => format!(" (perhaps {})", names.join(" or ")),
        };
        format!(
            "no tensor {:?} in {}{suggestion}; `hct info {}` lists all",
            self.tensor,
            self.input.display(),
            self.input.display()
        )
    }

    fn table(&self, report: &Report) -> String {
        let mut table = Table::bare(&[Align::Left, Align::Right, Align::Left]);
        let mut row = |what: &str, value, note| table.row([what.to_owned(), value, note]);
        let shape: Vec<String> = report.shape.iter().map(u64::to_string).collect();
        let rows = report.rows.map_or(String::new(), |[first, end]| {
            format!("rows {first}..{end} of {}", printable(&report.tensor))
        });
        let shape = match shape.is_empty() {
            true => "scalar".to_owned(),
            false => shape.join("x"),
        };
        row("tensor", shape, rows);
        let written = match report.npy_dtype {
            Some(descr) if report.dtype == "BF16" => format!("NumPy {descr}, the same values"),
            Some(descr) => format!("NumPy {descr}"),
            None => "safetensors".to_owned(),
        };
        row("dtype", report.dtype.to_owned(), written);
        let output = self.output.display().to_string();
        row("output", units::bytes(report.output_bytes), output);
        let share = units::ratio(100.0 * report.read_bytes as f64, report.file_bytes as f64);
        row(
            "read",
            units::bytes(report.read_bytes),
            format!(
                "{} % of {}, the index of {} included",
                units::fixed(share, 2),
                units::bytes(report.file_bytes),
                units::bytes(report.index_bytes)
            ),
        );
        let seconds = Duration::from_secs_f64(report.seconds);
        row("time", units::time(seconds), String::new());
        table.render()
    }
}
