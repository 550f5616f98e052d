//! Plans that were written down, to be followed.

use std::path::Path;

use anyhow::Context;
use hct_model::file_hash;
use hct_strategies::{Allocation, MAX_ALLOCATION, StrategyName, StrategySpec};

use crate::strategy_args::read_text;

/// A plan, and the SHA-256 of its file.
pub fn read_plan(path: &Path) -> anyhow::Result<(Allocation, String)> {
    let text = read_text(path, MAX_ALLOCATION)?;
    let plan =
        Allocation::from_json(&text).with_context(|| format!("{} is no plan", path.display()))?;
    Ok((plan, file_hash(path)?))
}

/// The spec of a plan that says whether there must be a calibration.
pub fn deciding(allocation: &Allocation) -> &StrategySpec {
    let entries = allocation.tensors.values();
    let mut specs = entries.map(|entry| &entry.spec);
    specs
        .find(|spec| spec.strategy() == StrategyName::Calibrated)
        .unwrap_or(&allocation.default)
}
