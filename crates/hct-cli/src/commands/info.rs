//! `hct info`.

use std::path::PathBuf;

use clap::Args;
use hct_core::{FORMAT_VERSION, FileKind, Index, Recipe, Section, Sections, TensorRecord};
use hct_model::{Error, HctFile};
use rayon::prelude::*;
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::made_by::MadeBy;
use crate::opened::open_hct;
use crate::table::{Align, Table, printable};
use crate::units;

/// Show what is in an .hct file and where its bytes go
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Info {
    /// The .hct file
    #[arg(value_name = "FILE.hct")]
    input: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct info my-model.hct
  hct info my-model.hct --json | jq '.tensors[] | {name, bits_per_weight, sections}'

A tensor's bytes are its payload and its record in the index. Sections: values (quantized
symbols), positions (which coefficients are kept), scales, tables (symbol frequencies), headers
(the record, lengths, modes); in JSON in bits per weight.";

#[derive(Serialize)]
struct Report {
    format_version: String,
    /// What the file says of how it was made; nobody vouches for it.
    made_by: Option<MadeBy>,
    /// What it takes to decode the file besides itself.
    base: Option<Base>,
    tensors: Vec<Tensor>,
    files: Vec<Carried>,
    totals: Totals,
}

/// Another checkpoint that tensors are coded against.
#[derive(Serialize)]
struct Base {
    /// What the file says of where it was.
    hint: Option<String>,
    /// Tensors that are the base's.
    unchanged: usize,
    /// Tensors stored as what differs from the base's.
    differences: usize,
}

/// A tensor of the base.
#[derive(Serialize)]
struct BaseOf {
    name: String,
    sha256: String,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: Vec<u64>,
    strategy: String,
    recipe: String,
    /// What it is coded against.
    base: Option<BaseOf>,
    bytes: u64,
    bits_per_weight: f64,
    sections: Rates,
}

/// Bits per weight by section.
#[derive(Serialize)]
struct Rates {
    values: f64,
    positions: f64,
    scales: f64,
    tables: f64,
    headers: f64,
}

#[derive(Serialize)]
struct Carried {
    path: String,
    kind: &'static str,
    /// Bytes in the file.
    bytes: u64,
    unpacked_bytes: u64,
}

#[derive(Serialize)]
struct Totals {
    /// The whole file.
    bytes: u64,
    /// What was compressed: safetensors files and carried side files.
    input_bytes: u64,
    ratio: f64,
    /// Elements of the float tensors.
    weights: u64,
    bits_per_weight: f64,
    /// All tensors.
    tensor_bytes: u64,
    /// All carried files.
    carried_bytes: u64,
    /// The index; the records of tensors in it count as theirs, too.
    index_bytes: u64,
    /// Header, trailer and the rest of the index.
    other_bytes: u64,
    /// Sections of all tensors, in bits per weight.
    sections: Rates,
    #[serde(skip)]
    section_bytes: Sections,
}

impl Info {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let model = open_hct(&self.input)?;
        let sections = (0..model.index().tensors.len())
            .into_par_iter()
            .map(|i| model.sections(i))
            .collect::<Result<Vec<_>, Error>>()?;
        self.common.print(&report(&model, &sections), table)
    }
}

fn report(model: &HctFile, sections: &[Sections]) -> Report {
    let index = model.index();
    let tensors = index.tensors.iter().zip(sections).map(tensor).collect();
    let files = index
        .files
        .iter()
        .map(|f| Carried {
            path: f.path.clone(),
            kind: match f.kind {
                FileKind::Shard => "shard header",
                FileKind::Side => "side file",
                FileKind::Gguf => "GGUF header",
                _ => "unknown",
            },
            bytes: f.stored_bytes(),
            unpacked_bytes: f.unpacked_len,
        })
        .collect();
    Report {
        format_version: format!("{}.{}", FORMAT_VERSION.0, FORMAT_VERSION.1),
        made_by: index.provenance.as_deref().map(MadeBy::of),
        base: base(index),
        tensors,
        files,
        totals: totals(model, sections),
    }
}

/// What tensors take from a base, if any does.
fn base(index: &Index) -> Option<Base> {
    let on_base = index.tensors.iter().filter(|t| t.base().is_some()).count();
    let is_unchanged = |t: &&TensorRecord| matches!(t.recipe, Recipe::Unchanged(_));
    let unchanged = index.tensors.iter().filter(is_unchanged).count();
    (on_base > 0).then(|| Base {
        hint: index.base_hint.clone(),
        unchanged,
        differences: on_base - unchanged,
    })
}

fn tensor((record, sections): (&TensorRecord, &Sections)) -> Tensor {
    Tensor {
        name: record.name.clone(),
        dtype: record.dtype.name(),
        shape: record.shape.clone(),
        strategy: record.label.to_string(),
        recipe: record.recipe.to_string(),
        base: record.base().map(|base| BaseOf {
            name: base.name.clone(),
            sha256: base.sha256.iter().map(|b| format!("{b:02x}")).collect(),
        }),
        bytes: record.stored_bytes(),
        bits_per_weight: units::bits_per(record.stored_bytes(), record.elements()),
        sections: rates(sections, record.elements()),
    }
}

fn totals(model: &HctFile, sections: &[Sections]) -> Totals {
    let index = model.index();
    let weights = index.tensors.iter().map(TensorRecord::weights).sum();
    let tensor_bytes = index.tensors.iter().map(TensorRecord::stored_bytes).sum();
    let carried_bytes = index.files.iter().map(|f| f.stored_bytes()).sum();
    // A safetensors file begins with the length of its header, in eight bytes.
    let prefixes = 8 * index
        .files
        .iter()
        .filter(|f| f.kind == FileKind::Shard)
        .count() as u64;
    let unpacked = index.files.iter().map(|f| f.unpacked_len).sum::<u64>();
    let decoded = index.tensors.iter().map(TensorRecord::decoded_bytes);
    let input_bytes = decoded.sum::<u64>() + unpacked + prefixes;
    let mut section_bytes = Sections::default();
    sections.iter().for_each(|s| section_bytes.merge(s));
    let bytes = model.file_bytes();
    Totals {
        bytes,
        input_bytes,
        ratio: units::ratio(input_bytes as f64, bytes as f64),
        weights,
        bits_per_weight: units::bits_per(bytes, weights),
        tensor_bytes,
        carried_bytes,
        index_bytes: model.index_bytes(),
        other_bytes: bytes.saturating_sub(tensor_bytes + carried_bytes),
        sections: rates(&section_bytes, weights),
        section_bytes,
    }
}

fn rates(sections: &Sections, weights: u64) -> Rates {
    let of = |section: Section| units::bits_per(sections.bytes[section as usize], weights);
    Rates {
        values: of(Section::Values),
        positions: of(Section::Positions),
        scales: of(Section::Scales),
        tables: of(Section::Tables),
        headers: of(Section::Headers),
    }
}

fn table(report: &Report) -> String {
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
        Some(made_by) => format!("made by {}\n", made_by.line()),
        None => String::new(),
    };
    format!(
        "{}\n{}\n{}\n{made_by}{base}HCT {}: {} tensors, {} weights in {}, made from {} ({}x)\n",
        tensors.render(),
        files.render(),
        parts(totals).render(),
        report.format_version,
        report.tensors.len(),
        units::count(totals.weights as f64),
        units::bytes(totals.bytes),
        units::bytes(totals.input_bytes),
        units::fixed(totals.ratio, 2),
    )
}

/// Where all the bytes go.
fn parts(totals: &Totals) -> Table {
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
    for section in Section::ALL {
        row(section.name(), totals.section_bytes.bytes[section as usize]);
    }
    row("carried files", totals.carried_bytes);
    row("other", totals.other_bytes);
    row("file", totals.bytes);
    row("of which index", totals.index_bytes);
    table
}
