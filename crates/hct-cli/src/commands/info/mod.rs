//! `hct info`.

mod several;

use std::path::{Path, PathBuf};

use clap::Args;
use hct_core::Section;
use hct_model::{InfoReport, info, info_of_index, is_url};

use crate::common_args::CommonArgs;
use crate::limit_args::LimitArgs;
use crate::made_by;
use crate::many_files::hct_files;
use crate::opened::open_hct;
use crate::table::{Align, Table, printable};
use crate::units;

/// Show what is in .hct files and where their bytes go
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Info {
    /// An .hct file; or several, or folders, for a line of each .hct file in them
    #[arg(value_name = "FILE.hct", required = true)]
    inputs: Vec<PathBuf>,
    /// Say of a file at a URL, too, where the bytes of its tensors go, for which all of it is transferred
    #[arg(long)]
    sections: bool,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct info my-model.hct
  hct info models
  hct info my-model.hct --json | jq '.tensors[] | {name, bits_per_weight, sections}'

A tensor's bytes are its payload and its record in the index. Sections: values (quantized
symbols), positions (which coefficients are kept), scales, tables (symbol frequencies), headers
(the record, lengths, modes); in JSON in bits per weight. Of a file at a URL the index alone is read,
which does not tell them, unless --sections asks.";

impl Info {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        match (hct_files(&self.inputs)?, &self.inputs[..]) {
            (None, [input]) => self.one(input),
            (files, _) => self.several(&files.unwrap_or_default()),
        }
    }

    fn one(&self, input: &Path) -> anyhow::Result<()> {
        let model = open_hct(input, self.limits.limits())?;
        let report = match is_url(input) && !self.sections {
            true => info_of_index(&model),
            false => info(&model)?,
        };
        self.common.print(&report, table)
    }
}

fn table(report: &InfoReport) -> String {
    use Align::{Left, Right};
    let mut tensors = Table::new(&[
        ("tensor", Left),
        ("dtype", Left),
        ("shape", Left),
        ("strategy", Left),
        ("recipe", Left),
        ("bytes", Right),
        ("bits/weight", Right),
    ]);
    for t in &report.tensors {
        let shape: Vec<String> = t.shape.iter().map(u64::to_string).collect();
        tensors.row([
            printable(&t.name),
            t.dtype.to_owned(),
            shape.join("x"),
            printable(&t.strategy),
            t.recipe.clone(),
            units::grouped(t.bytes),
            units::fixed(t.bits_per_weight, 3),
        ]);
    }
    let mut files = Table::new(&[
        ("carried file", Left),
        ("kind", Left),
        ("bytes", Right),
        ("unpacked", Right),
    ]);
    for f in &report.files {
        files.row([
            printable(&f.path),
            f.kind.to_owned(),
            units::grouped(f.bytes),
            units::grouped(f.unpacked_bytes),
        ]);
    }
    let totals = &report.totals;
    let base = match &report.base {
        Some(base) => {
            let hint = base
                .hint
                .as_deref()
                .map(|hint| format!(" ({})", printable(hint)));
            format!(
                "needs its base{}: {} tensors unchanged, {} as differences\n",
                hint.unwrap_or_default(),
                base.unchanged,
                base.differences
            )
        }
        None => String::new(),
    };
    let made_by = match &report.made_by {
        Some(made_by) => format!("made by {}\n", made_by::line(made_by)),
        None => String::new(),
    };
    let over_limits = match &report.over_limits {
        Some(why) => format!(
            "not decoded without --max-memory, since it asks for more than its length allows: {}\n",
            printable(why)
        ),
        None => String::new(),
    };
    format!(
        "{}\n{}\n{}\n{made_by}{base}{over_limits}HCT {}: {} tensors, {} weights in {}, made from {} ({}x)\n",
        tensors.render(),
        files.render(),
        parts(report).render(),
        report.format_version,
        report.tensors.len(),
        units::count(totals.weights as f64),
        units::bytes(totals.bytes),
        units::bytes(totals.input_bytes),
        units::fixed(totals.ratio, 2),
    )
}

/// Where all the bytes go.
fn parts(report: &InfoReport) -> Table {
    let totals = &report.totals;
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("part", Left),
        ("bytes", Right),
        ("bits/weight", Right),
        ("share", Right),
    ]);
    let mut row = |part: &str, bytes: u64| {
        let share = units::ratio(100.0 * bytes as f64, totals.bytes as f64);
        table.row([
            part.to_owned(),
            units::grouped(bytes),
            units::fixed(units::bits_per(bytes, totals.weights), 4),
            units::fixed(share, 2) + " %",
        ]);
    };
    match report.has_sections {
        true => Section::ALL.iter().for_each(|&section| {
            row(section.name(), totals.section_bytes.bytes[section as usize]);
        }),
        false => row("tensors", totals.tensor_bytes),
    }
    row("carried files", totals.carried_bytes);
    row("recovery blocks", totals.recovery_bytes);
    row("other", totals.other_bytes);
    row("file", totals.bytes);
    row("of which index", totals.index_bytes);
    table
}
