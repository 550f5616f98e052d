//! HCT files from arrays.

use std::path::PathBuf;

use hct_model::{CodingJob, CompressReport};
use hct_strategies::StrategySpec;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arrays::Arrays;
use crate::errors::raised;
use crate::options;
use crate::task::run;

/// Tensors by name, dtype and shape.
type Infos = Vec<(String, String, Vec<u64>)>;

/// Codes arrays to a file in memory; `read` gives the bytes of one by its name.
#[pyfunction]
#[pyo3(signature = (tensors, read, metadata, spec, threads=None, progress=None))]
pub fn save<'py>(
    py: Python<'py>,
    tensors: Infos,
    read: Py<PyAny>,
    metadata: Vec<(String, String)>,
    spec: &str,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let source = Arrays::new(tensors, metadata, read)?;
    let spec = options::spec(spec)?;
    let total = source.data_len();
    let file = run(py, threads, progress.as_ref(), total, |watch| {
        let coded = job(&spec).encode(&source, &mut || Ok(Vec::new()), watch);
        Ok(coded.map_err(raised)?.0)
    })?;
    Ok(PyBytes::new(py, &file))
}

/// Codes arrays to the file at `path`; gives the bytes of that.
#[pyfunction]
#[pyo3(signature = (tensors, read, metadata, spec, path, overwrite, threads=None, progress=None))]
#[expect(clippy::too_many_arguments, reason = "what Python gives by name")]
pub fn save_file(
    py: Python<'_>,
    tensors: Infos,
    read: Py<PyAny>,
    metadata: Vec<(String, String)>,
    spec: &str,
    path: PathBuf,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<u64> {
    let source = Arrays::new(tensors, metadata, read)?;
    let spec = options::spec(spec)?;
    let total = source.data_len();
    let report: CompressReport = run(py, threads, progress.as_ref(), total, |watch| {
        let coded = job(&spec).compress(&source, &path, overwrite, watch);
        coded.map_err(raised)
    })?;
    Ok(report.output_bytes)
}

fn job(spec: &StrategySpec) -> CodingJob<'_> {
    CodingJob {
        spec,
        allocation: None,
        calibration: None,
        base: None,
        side_files: true,
        hashes: None,
        part: None,
        proof: None,
    }
}
