//! The commands of `hct`. Reports are JSON, with the fields that `hct --json` prints.

use std::path::PathBuf;

use hct_model::{
    AtomicFile, BaseMatch, Checkpoint, CheckpointSource, CodingJob, CompressReport, FileSource,
    HctFile, HctModel, Metered, Opened, Proof, TensorInfo, TensorSource, bits_for_size,
    check_apart, check_known, made_by_parts, ratio,
};
use hct_strategies::StrategyName;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::errors::{Class, differed, raised};
use crate::limits::limits;
use crate::options;
use crate::task::run;

/// The bits per weight at which a file of the checkpoint at `src` takes no more than `size` bytes.
#[pyfunction]
pub fn bits_per_weight_for(py: Python<'_>, src: PathBuf, size: u64) -> PyResult<f64> {
    py.detach(|| Ok(bits_for_size(Checkpoint::open(&src)?.weights(), size)))
        .map_err(raised)
}

/// `hct compress`.
#[pyfunction]
#[pyo3(signature = (src, dst, spec, calibration, plan, base, base_map, base_hint, dequantize, part,
    side_files, verify, hashes, resume, overwrite, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "what Python gives by name")]
pub fn compress(
    py: Python<'_>,
    src: PathBuf,
    dst: PathBuf,
    spec: &str,
    calibration: Option<PathBuf>,
    plan: Option<PathBuf>,
    base: Vec<PathBuf>,
    base_map: Option<&str>,
    base_hint: Option<String>,
    dequantize: Option<&str>,
    part: Option<&str>,
    side_files: bool,
    verify: Option<bool>,
    hashes: Option<bool>,
    resume: bool,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let spec = options::spec(spec)?;
    let map = options::base_map(base_map)?;
    let hint = options::base_hint(base_hint, &base)?;
    let allocation = plan.as_deref().map(options::plan).transpose()?;
    let dequantize = dequantize.map(options::float_dtype).transpose()?;
    let part = part.map(options::part).transpose()?;
    let source = py.detach(|| {
        let mut source = Checkpoint::open(&src)?;
        if let Some(dtype) = dequantize {
            source = source.dequantized(dtype)?;
        }
        check_apart(&dst, &src)?;
        if src.is_dir() {
            let files = source.files().iter();
            files
                .map(|file| src.join(&file.path))
                .try_for_each(|file| check_apart(&dst, &file))?;
        }
        base.iter().try_for_each(|base| check_apart(&dst, base))?;
        Ok(source)
    });
    let source = source.map_err(raised)?;
    let total = source.tensors().iter().map(TensorInfo::byte_len).sum();
    run(py, threads, progress.as_ref(), total, |watch| {
        let calibration = options::calibration(calibration.as_deref(), &spec)?;
        if let Some((calibration, _)) = &calibration {
            check_known(&source, &**calibration).map_err(raised)?;
        }
        let base = hct_model::open_bases_within(&base, limits()).map_err(raised)?;
        let verify = verify.unwrap_or(spec.strategy() == StrategyName::Lossless);
        let matched = base.as_deref();
        let matched = matched.map(|base| BaseMatch::new(&source, base, &map, &()));
        let matched = matched.transpose().map_err(raised)?;
        let matched = match (matched, &hint) {
            (Some(matched), Some(hint)) => Some(matched.hint(hint)),
            (matched, _) => matched,
        };
        let job = CodingJob {
            spec: &spec,
            allocation: allocation.as_ref().map(|(plan, hash)| (plan, &hash[..])),
            calibration,
            base: matched.as_ref(),
            side_files,
            hashes,
            part,
            proof: verify.then(|| Proof { base: base.clone() }),
        };
        let done = match resume {
            true => job.compress_resumable(&source, &source.state(), &dst, overwrite, watch),
            false => job.compress(&source, &dst, overwrite, watch),
        };
        let done = done.map_err(raised)?;
        let mut report = compressed(&done, matched.is_some());
        if side_files {
            let skipped = source.skipped_files().iter();
            let skipped = skipped.map(|f| json!([f.rel_path, f.reason.to_string()]));
            report["skipped_files"] = skipped.collect();
        }
        Ok(report.to_string())
    })
}

/// `hct merge`.
#[pyfunction]
#[pyo3(signature = (parts, dst, overwrite, threads, progress))]
pub fn merge(
    py: Python<'_>,
    parts: Vec<PathBuf>,
    dst: PathBuf,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let opened = py.detach(|| {
        let open = |path: &PathBuf| {
            check_apart(&dst, path)?;
            HctFile::open_within(path, limits())
        };
        parts.iter().map(open).collect::<Result<Vec<_>, _>>()
    });
    let opened = opened.map_err(raised)?;
    let tensors = || opened.iter().flat_map(|part| &part.index().tensors);
    let total = tensors().map(|t| t.payload_bytes()).sum();
    run(py, threads, progress.as_ref(), total, |watch| {
        let merged = || {
            let made_by = made_by_parts(&opened)?;
            let file = AtomicFile::create(&dst)?;
            hct_model::merge(&opened, file, made_by.as_deref(), watch)?.finish(overwrite)
        };
        merged().map_err(raised)?;
        let report = json!({
            "parts": opened.len(),
            "tensors": tensors().count(),
            "output_bytes": dst.metadata()?.len(),
        });
        Ok(report.to_string())
    })
}

fn compressed(done: &CompressReport, on_base: bool) -> Value {
    json!({
        "input_bytes": done.input_bytes,
        "output_bytes": done.output_bytes,
        "weights": done.weights,
        "bits_per_weight": done.bits_per_weight(),
        "ratio": ratio(done.input_bytes as f64, done.output_bytes as f64),
        "base": on_base.then(|| json!({
            "unchanged": done.base_use.unchanged,
            "differences": done.base_use.differences,
            "alone": done.base_use.alone,
        })),
        "predicted_damage": done.predicted,
    })
}

/// Opens an HCT file on its base, if it has one.
fn open(path: &PathBuf, base: &[PathBuf]) -> PyResult<HctFile> {
    let model = HctFile::open_within(path, limits()).map_err(raised)?;
    match hct_model::open_bases_within(base, limits()).map_err(raised)? {
        Some(_) if !model.needs_base() => Err(raised(hct_model::Error::UnneededBase {
            path: path.clone(),
        })),
        Some(base) => Ok(model.with_base(base)),
        None => Ok(model),
    }
}

fn decoded_bytes(model: &HctFile) -> u64 {
    let records = model.index().tensors.iter();
    records.map(|t| t.decoded_bytes()).sum()
}

/// `hct decompress`; gives the bytes written, and as JSON what was lost.
#[pyfunction]
#[pyo3(signature = (src, dst, base, fragments, keep_going, overwrite, threads, progress))]
#[expect(clippy::too_many_arguments, reason = "what Python gives by name")]
pub fn decompress(
    py: Python<'_>,
    src: PathBuf,
    dst: PathBuf,
    base: Vec<PathBuf>,
    fragments: Option<usize>,
    keep_going: bool,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(u64, String)> {
    let model = py.detach(|| {
        check_apart(&dst, &src).map_err(raised)?;
        open(&src, &base)
    })?;
    let total = decoded_bytes(&model);
    run(py, threads, progress.as_ref(), total, |watch| {
        let model = match fragments {
            Some(fragments) => model.with_fragments(fragments),
            None => model,
        };
        let done = match keep_going {
            true => hct_model::decompress_undamaged(&model, &dst, overwrite, watch),
            false => {
                let done = hct_model::decompress(&model, &dst, overwrite, watch);
                done.map(|done| (done, Vec::new()))
            }
        };
        let (done, lost) = done.map_err(raised)?;
        Ok((done.output_bytes, to_json(&lost)?))
    })
}

/// `hct recover`.
#[pyfunction]
#[pyo3(signature = (path, output, overwrite, threads, progress))]
pub fn recover(
    py: Python<'_>,
    path: PathBuf,
    output: PathBuf,
    overwrite: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    py.detach(|| check_apart(&output, &path)).map_err(raised)?;
    let total = path.metadata()?.len();
    run(py, threads, progress.as_ref(), total, |watch| {
        let done = hct_model::recover(&path, &output, overwrite, limits(), watch);
        let mut report = serde_json::to_value(done.map_err(raised)?).map_err(unwritten)?;
        report["output_bytes"] = output.metadata()?.len().into();
        Ok(report.to_string())
    })
}

/// `hct verify`.
#[pyfunction]
#[pyo3(signature = (path, base, deep, threads, progress))]
pub fn verify(
    py: Python<'_>,
    path: PathBuf,
    base: Vec<PathBuf>,
    deep: bool,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let model = py.detach(|| open(&path, &base))?;
    let sizes = model.index().tensors.iter().map(|t| t.stored_bytes());
    let total = sizes.sum();
    run(py, threads, progress.as_ref(), total, |watch| {
        if !base.is_empty() {
            model.check_base(&()).map_err(raised)?;
        }
        let failures = match deep {
            true => hct_model::verify_deep(&model, watch),
            false => hct_model::verify(&model, watch),
        };
        let on_base = model.index().tensors.iter().filter(|t| t.base().is_some());
        let mut report = json!({
            "ok": failures.is_empty(),
            "tensors": model.index().tensors.len(),
            "not_decoded": if base.is_empty() { on_base.count() } else { 0 },
            "in_other_parts": model.tensors_in_other_parts(),
            "files": model.index().files.len(),
            "bytes": model.file_bytes(),
            "failures": failures,
        });
        if deep {
            report["proved"] = model.provable_tensors().into();
        }
        Ok(report.to_string())
    })
}

/// `hct info`.
#[pyfunction]
pub fn info(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    run(py, None, None, 0, |_| {
        let report =
            HctFile::open_within(&path, limits()).and_then(|model| hct_model::info(&model));
        to_json(&report.map_err(raised)?)
    })
}

/// `hct diff`.
#[pyfunction]
#[pyo3(signature = (a, b, base, threads, progress))]
pub fn diff(
    py: Python<'_>,
    a: PathBuf,
    b: PathBuf,
    base: Vec<PathBuf>,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let opened = py.detach(|| {
        let base = hct_model::open_bases_within(&base, limits())?;
        let a = Opened::open_within(&a, limits())?.with_base(base.as_ref());
        let b = Opened::open_within(&b, limits())?.with_base(base.as_ref());
        Ok((a, b))
    });
    let (a, b) = opened.map_err(raised)?;
    let total = a.source().tensors().iter().map(TensorInfo::byte_len).sum();
    run(py, threads, progress.as_ref(), total, |watch| {
        let report = hct_model::compare(&a, &b, watch).map_err(differed)?;
        to_json(&report)
    })
}

/// `hct extract`.
#[pyfunction]
#[pyo3(signature = (path, tensor, output, rows, base, fragments, overwrite))]
pub fn extract(
    py: Python<'_>,
    path: PathBuf,
    tensor: &str,
    output: PathBuf,
    rows: Option<(u64, u64)>,
    base: Vec<PathBuf>,
    fragments: Option<usize>,
    overwrite: bool,
) -> PyResult<String> {
    run(py, None, None, 0, |_| {
        check_apart(&output, &path).map_err(raised)?;
        let (source, read) = Metered::new(FileSource::open(&path).map_err(raised)?);
        let mut model = HctModel::new_within(&path, source, limits()).map_err(raised)?;
        if let Some(base) = hct_model::open_bases_within(&base, limits()).map_err(raised)? {
            model = model.with_base(base);
        }
        if let Some(fragments) = fragments {
            model = model.with_fragments(fragments);
        }
        let number = model.find(tensor).map_err(raised)?;
        let rows = rows.map(|(first, end)| first..end);
        let done = hct_model::extract(&model, number, rows, &output, overwrite);
        let done = done.map_err(raised)?;
        let report = json!({
            "tensor": done.info.name,
            "dtype": done.info.dtype.name(),
            "shape": done.info.shape,
            "rows": done.rows.map(|rows| [rows.start, rows.end]),
            "npy_dtype": done.npy_dtype,
            "output_bytes": done.output_bytes,
            "read_bytes": read.load(std::sync::atomic::Ordering::Relaxed),
            "index_bytes": model.index_bytes(),
            "file_bytes": model.file_bytes(),
        });
        Ok(report.to_string())
    })
}

fn to_json(report: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(report).map_err(unwritten)
}

fn unwritten(error: serde_json::Error) -> PyErr {
    Class::Hct.error(format!("the report cannot be written: {error}"))
}
