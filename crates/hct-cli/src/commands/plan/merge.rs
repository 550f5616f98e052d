//! `hct plan merge`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use hct_model::{Decided, MeasuredPart, MeasuredTensor, bits_for_size, decide};
use hct_strategies::MAX_ALLOCATION;

use super::export::export;
use super::report::{Report, Row, table};
use crate::common_args::CommonArgs;
use crate::output_path::check_file;
use crate::size;
use crate::strategy_args::read_text;
use crate::units;

/// Decide by the measurements of all parts how to code each
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct MergePlans {
    /// What `hct plan --part` wrote, of all parts in any order
    #[arg(required = true, value_name = "MEASURED.json")]
    parts: Vec<PathBuf>,
    /// Bits per weight of the whole file [default: what the parts were measured for]
    #[arg(long, value_name = "BITS")]
    bpw: Option<f64>,
    /// Size of the whole file at most
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, conflicts_with = "bpw")]
    size: Option<u64>,
    /// Write the plan, to be followed by `hct compress --plan`, part by part or not
    #[arg(long, value_name = "PLAN.json")]
    export: Option<PathBuf>,
    /// Replace an existing plan, if it is a regular file
    #[arg(long, requires = "export")]
    force: bool,
    #[command(flatten, next_help_heading = "General")]
    common: CommonArgs,
}

const EXAMPLES: &str = "\
EXAMPLES
  hct plan merge measured-*.json --export plan.json
  hct plan merge measured-*.json --size 60MB

Sizes between those measured are interpolated; the file meets the one asked for to 1 %.";

impl MergePlans {
    pub fn run(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        if let Some(path) = &self.export {
            for part in &self.parts {
                check_file(path, part, self.force)?;
            }
        }
        self.common.start()?;
        let parts = self.parts.iter().map(|path| {
            let text = read_text(path, MAX_ALLOCATION)?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} is not what `hct plan --part` writes", path.display()))
        });
        let parts: Vec<MeasuredPart> = parts.collect::<anyhow::Result<_>>()?;
        let decided = match (self.bpw, self.size) {
            (Some(bits), _) => decide(&parts, bits),
            (None, Some(size)) => {
                let weights = parts.first().map_or(0, |part| part.weights);
                decide(&parts, bits_for_size(weights, size))
            }
            (None, None) => {
                let asked = parts.first().and_then(|part| part.spec.bits_per_weight());
                decide(&parts, asked.unwrap_or(f64::NAN))
            }
        }?;
        let report = report(decided, begin);
        if let Some(path) = &self.export {
            export(&report, path, self.force)?;
        }
        self.common.print(&report, table)
    }
}

fn report(decided: Decided, begin: Instant) -> Report {
    let damages = decided.tensors.iter().map(|t| t.damage.as_ref());
    let predicted = damages
        .flatten()
        .filter_map(|damage| damage.first())
        .copied()
        .reduce(|a, b| a + b);
    let row = |t: MeasuredTensor| {
        let bytes = t.bytes.first().copied().unwrap_or_default();
        let elements = t.shape.iter().fold(1, |n: u64, &d| n.saturating_mul(d));
        Row {
            name: t.name,
            shape: t.shape,
            coded: t.coded,
            bytes,
            bits_per_weight: units::bits_per(bytes, elements),
            damage: t.damage.and_then(|damage| damage.first().copied()),
            by_spec: t.by_spec,
        }
    };
    Report {
        spec: decided.spec,
        tensors: decided.tensors.into_iter().map(row).collect(),
        output_bytes: decided.bytes,
        bits_per_weight: units::bits_per(decided.bytes, decided.weights),
        predicted_damage: predicted,
        seconds: begin.elapsed().as_secs_f64(),
    }
}
