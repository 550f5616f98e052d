//! Plans as files, for people to change and for `compress --plan` to follow.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use hct_model::AtomicFile;
use hct_strategies::{Allocation, AllocationEntry};
use serde::Serialize;

use super::report::Report;

/// An entry of an exported plan.
#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    entry: AllocationEntry,
    bits_per_weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: &'a Option<f64>,
}

/// Writes the plan for people to change.
pub fn export(report: &Report, path: &Path, force: bool) -> anyhow::Result<()> {
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
    write(path, &text, force)
}

/// Writes a file that appears when it is complete.
pub fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut file = AtomicFile::create(path)?;
    let written = file.write_all(text.as_bytes());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.finish(force)?)
}
