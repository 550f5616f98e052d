//! Options as Python hands them over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hct_core::Dtype;
use hct_model::{BaseMap, Error, Part, file_hash, open_calibration};
use hct_strategies::{Allocation, AllocationError, Calibration, StrategyName, StrategySpec};
use pyo3::prelude::*;

use crate::errors::{Class, raised, wrong_option};

/// A spec from its JSON, in which options have the names of keyword arguments.
pub fn spec(json: &str) -> PyResult<StrategySpec> {
    StrategySpec::from_json(json).map_err(|error| wrong_option(&error))
}

/// The calibration in a file, and the SHA-256 of that.
pub fn calibration(
    path: Option<&Path>,
    spec: &StrategySpec,
) -> PyResult<Option<(Arc<dyn Calibration>, String)>> {
    let Some(path) = path else {
        return Ok(None);
    };
    if spec.strategy() != StrategyName::Calibrated {
        return Err(Class::Option.error(format!(
            "calibration belongs to the strategy calibrated, not to {}; leave one of them out",
            spec.strategy()
        )));
    }
    let calibration = open_calibration(path).map_err(raised)?;
    let hash = file_hash(path).map_err(raised)?;
    Ok(Some((Arc::from(calibration), hash)))
}

/// The plan in a file, and the SHA-256 of that.
pub fn plan(path: &Path) -> PyResult<(Allocation, String)> {
    let hash = file_hash(path).map_err(raised)?;
    let text = std::fs::read_to_string(path)?;
    let plan = Allocation::from_json(&text)
        .map_err(|error: AllocationError| raised(Error::Allocation(error)))?;
    Ok((plan, hash))
}

/// The dtype that blocks are turned into.
pub fn float_dtype(name: &str) -> PyResult<Dtype> {
    match name {
        "f16" => Ok(Dtype::F16),
        "bf16" => Ok(Dtype::BF16),
        "f32" => Ok(Dtype::F32),
        other => Err(Class::Option.error(format!(
            "dequantize is \"f16\", \"bf16\" or \"f32\", not {other:?}"
        ))),
    }
}

/// A part as `I/N`.
pub fn part(text: &str) -> PyResult<Part> {
    text.parse::<Part>()
        .map_err(|error| Class::Option.error(format!("{text:?} is no part: {error}")))
}

/// A map of names to those of a base, from its JSON.
pub fn base_map(json: Option<&str>) -> PyResult<BaseMap> {
    match json {
        Some(json) => BaseMap::from_json(json).map_err(|error| raised(error.into())),
        None => Ok(BaseMap::default()),
    }
}

/// What a file is to say of where its base is: what was given, or the first base as it was given.
pub fn base_hint(given: Option<String>, bases: &[PathBuf]) -> PyResult<Option<String>> {
    let most = hct_core::MAX_BASE_HINT;
    match given {
        Some(hint) if hint.len() > most => Err(Class::Option.error(format!(
            "base_hint takes {} bytes; at most {most} are allowed",
            hint.len()
        ))),
        Some(hint) => Ok(Some(hint).filter(|hint| !hint.is_empty())),
        None => {
            let first = bases.first().and_then(|path| path.to_str());
            let fits = first.filter(|hint| (1..=most).contains(&hint.len()));
            Ok(fits.map(str::to_owned))
        }
    }
}
