//! `hct export`.

use std::path::PathBuf;

use hct_model::{
    AtomicFile, Error, ExportFiles, ExportOptions, ExportType, Opened, TensorInfo, check_apart,
    export_gguf,
};
use pyo3::prelude::*;
use serde_json::json;

use crate::errors::{Class, raised};
use crate::limits::limits;
use crate::task::run;

/// Writes a model called `name` as a GGUF file.
#[pyfunction]
#[pyo3(signature = (src, dst, kind, name, tokenizer_pre, base, overwrite, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "what Python gives by name")]
pub fn export(
    py: Python<'_>,
    src: PathBuf,
    dst: PathBuf,
    kind: &str,
    name: &str,
    tokenizer_pre: Option<&str>,
    base: Vec<PathBuf>,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let kind = export_type(kind)?;
    let model = py.detach(|| {
        check_apart(&dst, &src)?;
        if dst.exists() && !overwrite {
            return Err(Error::OutputExists { path: dst.clone() });
        }
        let base = hct_model::open_bases_within(&base, limits())?;
        let model = Opened::open_within(&src, limits())?;
        match base {
            Some(_) if !model.needs_base() => Err(Error::UnneededBase { path: src.clone() }),
            base => Ok(model.with_base(base.as_ref())),
        }
    });
    let model = model.map_err(raised)?;
    let tensors = model.source().tensors();
    let total = tensors.iter().map(TensorInfo::byte_len).sum();
    run(py, threads, progress.as_ref(), total, |watch| {
        let write = || {
            let files = ExportFiles {
                config: model.side_file("config.json")?,
                tokenizer: model.side_file("tokenizer.json")?,
                tokenizer_config: model.side_file("tokenizer_config.json")?,
            };
            let options = ExportOptions {
                kind,
                name,
                splitting: tokenizer_pre,
            };
            let file = AtomicFile::create(&dst)?;
            export_gguf(model.source(), &files, &options, &src, file, watch)?.finish(overwrite)
        };
        write().map_err(raised)?;
        let report = json!({
            "tensors": tensors.len(),
            "output_bytes": dst.metadata()?.len(),
        });
        Ok(report.to_string())
    })
}

fn export_type(name: &str) -> PyResult<ExportType> {
    match name {
        "f16" => Ok(ExportType::F16),
        "bf16" => Ok(ExportType::Bf16),
        "q8_0" => Ok(ExportType::Q8_0),
        "q4_0" => Ok(ExportType::Q4_0),
        other => Err(Class::Option.error(format!(
            "type is \"f16\", \"bf16\", \"q8_0\" or \"q4_0\", not {other:?}"
        ))),
    }
}
