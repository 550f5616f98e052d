//! `hct dedup`.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use hct_model::{
    CheckpointEstimate, DedupReport, DuplicateTensor, Member, Opened, dedup, find_models,
};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::progress::Bar;
use crate::table::{Align, Table, printable};
use crate::units;

/// Find what the models of a folder have in common, and which is the best base for each
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Dedup {
    /// The folder; models in folders within are found, too
    dir: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct dedup models
  hct dedup models --json | jq '.checkpoints[] | {name, base, planned_bytes}'

Sizes alone and on a base are estimates of lossless coding: a sample of every tensor goes through the
coder. They are of tensors only, without configuration and tokenizer. A model is stored on its base
with: hct compress MODEL --base BASE --strategy lossless -o delta.hct
Bases are stored alone, so that no model takes more than one of them to read.";

/// Duplicates that the table has, at most.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct Report {
    checkpoints: Vec<Entry>,
    duplicates: Vec<Duplicate>,
    /// Bytes of all tensors as they are.
    bytes: u64,
    /// Bytes that tensors take which are there more than once, but for one of each.
    duplicate_bytes: u64,
    /// The estimate of all models, each alone.
    alone_bytes: u64,
    /// The same with bases.
    planned_bytes: u64,
    /// Models that could not be looked at, and why.
    skipped: Vec<Skipped>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    tensors: usize,
    bytes: u64,
    alone_bytes: u64,
    /// What to store it on so that all take least; none: alone.
    base: Option<String>,
    planned_bytes: u64,
    /// Every other model that has something for it, the best first.
    bases: Vec<BaseEntry>,
}

#[derive(Serialize)]
struct BaseEntry {
    name: String,
    bytes: u64,
    unchanged_tensors: usize,
    near_duplicates: Vec<String>,
}

#[derive(Serialize)]
struct Duplicate {
    sha256: String,
    dtype: String,
    shape: Vec<u64>,
    bytes: u64,
    places: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    checkpoint: String,
    tensor: String,
}

#[derive(Serialize)]
struct Skipped {
    name: String,
    reason: String,
}

impl Dedup {
    pub fn run(&self) -> anyhow::Result<()> {
        self.common.start()?;
        let paths = find_models(&self.dir)?;
        let (mut opened, mut skipped) = (Vec::new(), Vec::new());
        for path in paths {
            let name = self.name(&path);
            match open(&path) {
                Ok(model) => opened.push((name, model)),
                Err(error) => {
                    let reason = format!("{error:#}");
                    eprintln!("warning: left out: {}", printable(&reason));
                    skipped.push(Skipped { name, reason });
                }
            }
        }
        if opened.is_empty() {
            bail!("{} has no model that can be read", self.dir.display());
        }
        let members: Vec<Member<'_>> = opened
            .iter()
            .map(|(name, model)| Member {
                name,
                source: model.source(),
            })
            .collect();
        let tensors = members.iter().flat_map(|m| m.source.tensors());
        let bar = Bar::new("looking", tensors.map(|t| t.byte_len()).sum());
        let found = dedup(&members, &bar)?;
        drop(bar);
        self.common.print(&report(&found, skipped), table)
    }

    /// What a model is called: its path in the folder.
    fn name(&self, path: &Path) -> String {
        match path.strip_prefix(&self.dir) {
            Ok(inside) if !inside.as_os_str().is_empty() => inside.display().to_string(),
            _ => path.display().to_string(),
        }
    }
}

/// Opens a model that is readable by itself.
fn open(path: &Path) -> anyhow::Result<Opened> {
    let model = Opened::open(path)?;
    if let Opened::Hct(file) = &model
        && file.needs_base()
    {
        bail!(
            "{} is coded against a base already; decompress it to compare it",
            path.display()
        );
    }
    Ok(model)
}

fn report(found: &DedupReport, skipped: Vec<Skipped>) -> Report {
    let name = |i: usize| found.checkpoints[i].name.clone();
    let sum = |f: fn(&CheckpointEstimate) -> u64| found.checkpoints.iter().map(f).sum();
    let entry = |c: &CheckpointEstimate| Entry {
        name: c.name.clone(),
        tensors: c.tensors,
        bytes: c.bytes,
        alone_bytes: c.alone,
        base: c.base.map(name),
        planned_bytes: c.planned(),
        bases: (c.bases.iter())
            .map(|b| BaseEntry {
                name: name(b.checkpoint),
                bytes: b.bytes,
                unchanged_tensors: b.unchanged,
                near_duplicates: b.near.clone(),
            })
            .collect(),
    };
    let duplicate = |d: &DuplicateTensor| Duplicate {
        sha256: d.sha256.iter().map(|b| format!("{b:02x}")).collect(),
        dtype: d.dtype.to_string(),
        shape: d.shape.clone(),
        bytes: d.bytes,
        places: (d.places.iter())
            .map(|(checkpoint, tensor)| Place {
                checkpoint: name(*checkpoint),
                tensor: tensor.clone(),
            })
            .collect(),
    };
    Report {
        checkpoints: found.checkpoints.iter().map(entry).collect(),
        duplicates: found.duplicates.iter().map(duplicate).collect(),
        bytes: sum(|c| c.bytes),
        duplicate_bytes: found.duplicates.iter().map(DuplicateTensor::wasted).sum(),
        alone_bytes: sum(|c| c.alone),
        planned_bytes: sum(CheckpointEstimate::planned),
        skipped,
    }
}

fn table(report: &Report) -> String {
    use Align::{Left, Right};
    let mut models = Table::new(&[
        ("model", Left),
        ("tensors", Right),
        ("bytes", Right),
        ("alone*", Right),
        ("best base", Left),
        ("on it*", Right),
        ("unchanged", Right),
        ("near", Right),
        ("store", Left),
    ]);
    for c in &report.checkpoints {
        let best = c.bases.first();
        let of = |f: &dyn Fn(&BaseEntry) -> String| best.map_or_else(|| "-".into(), f);
        models.row([
            printable(&c.name),
            c.tensors.to_string(),
            units::bytes(c.bytes),
            units::bytes(c.alone_bytes),
            of(&|b| printable(&b.name)),
            of(&|b| units::bytes(b.bytes)),
            of(&|b| b.unchanged_tensors.to_string()),
            of(&|b| b.near_duplicates.len().to_string()),
            match &c.base {
                Some(base) => format!("on {}", printable(base)),
                None => "alone".into(),
            },
        ]);
    }
    let mut out = models.render();
    out += &format!(
        "* estimates for lossless storage, from samples of every tensor\n\n\
         all models: {}; losslessly alone {}, with the bases named {}\n",
        units::bytes(report.bytes),
        units::bytes(report.alone_bytes),
        units::bytes(report.planned_bytes),
    );
    if report.duplicates.is_empty() {
        out += "no tensor is there twice\n";
        return out;
    }
    let mut duplicates = Table::new(&[
        ("tensor", Left),
        ("type", Left),
        ("shape", Left),
        ("bytes", Right),
        ("times", Right),
        ("first in", Left),
    ]);
    for d in report.duplicates.iter().take(SHOWN) {
        let Some(first) = d.places.first() else {
            continue;
        };
        duplicates.row([
            printable(&first.tensor),
            d.dtype.clone(),
            format!("{:?}", d.shape),
            units::bytes(d.bytes),
            d.places.len().to_string(),
            printable(&first.checkpoint),
        ]);
    }
    out += &format!(
        "{} tensors are there more than once, {} too many; the largest:\n\n{}",
        report.duplicates.len(),
        units::bytes(report.duplicate_bytes),
        duplicates.render()
    );
    out
}
