//! `hct plan`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use hct_core::{Recipe, TensorRecord};
use hct_model::{
    AtomicFile, Checkpoint, CompressOptions, CompressReport, Progress, TensorInfo, TensorSource,
    check_known, encode, encode_to_rate, provenance,
};
use hct_strategies::{Allocation, AllocationEntry, Plan as Coding, StrategySpec};
use serde::Serialize;

use crate::common_args::CommonArgs;
use crate::output_path::check_file;
use crate::progress::Bar;
use crate::short_of::short_of;
use crate::size;
use crate::strategy_args::StrategyArgs;
use crate::table::{Align, Table, printable};
use crate::units;

/// Show how many bits each tensor would get, without writing a file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Plan {
    /// A .safetensors file, or a folder with one or with an index and shards
    input: PathBuf,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// Size of the whole file at most, such as 60MB or 1.5GiB; it is met to 1 %
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, help_heading = "Strategy",
        conflicts_with_all = ["bpw", "step", "cosine", "rel_mse", "retention", "spec"])]
    size: Option<u64>,
    /// Write the plan, to be changed and followed by `hct compress --plan`
    #[arg(long, value_name = "PLAN.json", help_heading = "Output")]
    export: Option<PathBuf>,
    /// Replace an existing plan, if it is a regular file
    #[arg(long, help_heading = "Output", requires = "export")]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct plan my-model --calibration my-model.hctcal --bpw 3
  hct plan my-model --bpw 4 --export plan.json
  hct compress my-model --plan plan.json -o my-model.hct

Everything is coded as `hct compress` would, and thrown away. With a calibration, damage is what the
errors of a tensor are predicted to do to the output, in nats of KL divergence for a language model,
and share its part of all. An exported plan has a spec a tensor, which can be changed by hand: a
finer step for one, {\"strategy\": \"lossless\"} for another; what else it says of a tensor is passed
over. `hct compress --plan` then codes just so.";

#[derive(Serialize)]
struct Report {
    /// What all tensors are coded by.
    spec: StrategySpec,
    tensors: Vec<Row>,
    /// Bytes of the whole file.
    output_bytes: u64,
    bits_per_weight: f64,
    /// Of all tensors, in nats; null where nothing is predicted.
    predicted_damage: Option<f64>,
    seconds: f64,
}

#[derive(Clone, Serialize)]
struct Row {
    name: String,
    shape: Vec<u64>,
    coded: String,
    /// Its payload and its record.
    bytes: u64,
    bits_per_weight: f64,
    damage: Option<f64>,
    /// Whether its spec counts: others are exact whatever it says.
    #[serde(skip)]
    by_spec: bool,
}

/// An entry of an exported plan.
#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    entry: AllocationEntry,
    bits_per_weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: &'a Option<f64>,
}

impl Plan {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        if let Some(path) = &self.export {
            check_file(path, &self.input, self.force)?;
        }
        self.common.start()?;
        let checkpoint = Checkpoint::open(&self.input)?;
        let steer = self
            .size
            .map(|size| size::steer(&checkpoint, size))
            .transpose()?;
        let spec = self.strategy.spec(false, steer)?;
        let calibration = self.strategy.calibration(&spec)?;
        if let Some((calibration, _)) = &calibration {
            check_known(&checkpoint, &**calibration)?;
        }
        let (calibration, hash) = calibration.unzip();
        let provenance = provenance(&spec, hash.as_deref(), None);
        let options = CompressOptions {
            side_files: true,
            provenance: provenance.as_deref(),
            base: None,
        };
        let sizes = checkpoint.tensors().iter().map(TensorInfo::byte_len);
        let passes = Passes::new(Bar::new("coding", sizes.sum()));
        let names = checkpoint.tensors().iter().map(|t| &t.name[..]);
        let (done, spec) = match spec.plan(names, calibration)? {
            Coding::Strategy(strategy) => {
                let (_, done) = encode(&checkpoint, io::sink(), &*strategy, options, &passes)?;
                (done, spec)
            }
            Coding::Rate(rate) => {
                let mut output = || Ok(io::sink());
                let (_, done, octaves) =
                    encode_to_rate(&checkpoint, &mut output, &rate, options, &passes)?;
                (done, rate.spec_at(octaves))
            }
            _ => anyhow::bail!("the strategy asks for a plan that this command does not know"),
        };
        if let Some(asked) = done.asked {
            eprintln!("warning: {}", short_of(asked, &done));
        }
        let report = Report {
            tensors: passes.rows_of(&done),
            spec,
            output_bytes: done.output_bytes,
            bits_per_weight: done.bits_per_weight(),
            predicted_damage: done.predicted,
            seconds: begin.elapsed().as_secs_f64(),
        };
        if let Some(path) = &self.export {
            export(&report, path, self.force)?;
        }
        self.common.print(&report, table)
    }
}

/// A bar that keeps what became of tensors, for every time that all are coded.
struct Passes {
    bar: Bar,
    rows: Mutex<Vec<Vec<Row>>>,
}

impl Passes {
    fn new(bar: Bar) -> Passes {
        Passes {
            bar,
            rows: Mutex::new(vec![Vec::new()]),
        }
    }

    /// The rows of the pass that `done` is of: the one of about as many bytes, since passes differ in
    /// size.
    fn rows_of(self, done: &CompressReport) -> Vec<Row> {
        let passes = self
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let apart = |rows: &Vec<Row>| {
            let bytes: u64 = rows.iter().map(|row| row.bytes).sum();
            bytes.abs_diff(done.output_bytes)
        };
        passes.into_iter().min_by_key(apart).unwrap_or_default()
    }
}

impl Progress for Passes {
    fn advance(&self, bytes: u64, tensor: &str) {
        self.bar.advance(bytes, tensor);
    }

    fn coded(&self, record: &TensorRecord, damage: Option<f64>) {
        let bytes = record.stored_bytes();
        let row = Row {
            name: record.name.clone(),
            shape: record.shape.clone(),
            coded: record.label.to_string(),
            bytes,
            bits_per_weight: units::bits_per(bytes, record.elements()),
            damage,
            by_spec: damage.is_some() || matches!(record.recipe, Recipe::Fragments { .. }),
        };
        let mut passes = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = passes.last_mut() {
            rows.push(row);
        }
    }

    fn cancelled(&self) -> bool {
        self.bar.cancelled()
    }

    fn restart(&self, pass: usize) {
        self.bar.restart(pass);
        let mut passes = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        passes.push(Vec::new());
    }
}

/// Writes the plan for people to change.
fn export(report: &Report, path: &Path, force: bool) -> anyhow::Result<()> {
    let rows = report.tensors.iter().filter(|row| row.by_spec);
    let tensors: BTreeMap<&str, Exported<'_>> = rows
        .map(|row| {
            let exported = Exported {
                entry: AllocationEntry {
                    spec: report.spec.clone(),
                },
                bits_per_weight: row.bits_per_weight,
                damage: &row.damage,
            };
            (&row.name[..], exported)
        })
        .collect();
    let plan = serde_json::json!({ "default": report.spec, "tensors": tensors });
    let text = serde_json::to_string_pretty(&plan)? + "\n";
    // What is written can be read.
    Allocation::from_json(&text)?;
    let mut file = AtomicFile::create(path)?;
    let written = file.write_all(text.as_bytes());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.finish(force)?)
}

fn table(report: &Report) -> String {
    let predicted = report.predicted_damage;
    let mut columns = vec![
        ("tensor", Align::Left),
        ("shape", Align::Right),
        ("bits/weight", Align::Right),
        ("bytes", Align::Right),
    ];
    if predicted.is_some() {
        columns.extend([("damage", Align::Right), ("share", Align::Right)]);
    }
    columns.push(("coded", Align::Left));
    let mut table = Table::new(&columns);
    for row in &report.tensors {
        let shape: Vec<_> = row.shape.iter().map(u64::to_string).collect();
        let mut cells = vec![
            printable(&row.name),
            shape.join(" × "),
            units::fixed(row.bits_per_weight, 3),
            units::grouped(row.bytes),
        ];
        if let Some(all) = predicted {
            let damage = row.damage.unwrap_or(f64::NAN);
            cells.push(units::scientific(damage));
            let share = 100.0 * units::ratio(damage, all);
            cells.push(match share.is_nan() {
                true => "-".to_owned(),
                false => units::fixed(share, 2) + " %",
            });
        }
        cells.push(printable(&row.coded));
        table.row(cells);
    }
    let mut text = table.render();
    text += &format!(
        "\n{} bits per weight, {} the whole file",
        units::fixed(report.bits_per_weight, 3),
        units::bytes(report.output_bytes)
    );
    if let Some(damage) = predicted {
        text += &format!(
            "; predicted damage {} (KL divergence, of language models)",
            units::fixed(damage, 5)
        );
    }
    text + "\n"
}
