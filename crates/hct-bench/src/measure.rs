//! Sending a checkpoint through a strategy, into a file and back, and measuring everything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hct_core::{
    Dtype, Fragment, MatrixView, Recipe, RowComparison, Section, Sections, TensorRecord, fold,
};
use hct_model::{CompressReport, HctFile, Progress, TensorSource};
use hct_strategies::{Preset, Role, role};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::contestant::Contestant;
use super::embedding_rows::{centered_cosines, first_percentile};
use super::model::Model;
use super::quality::{Evaluator, ModelQuality};

/// Decoded bytes to hold at a time.
const GROUP_BYTES: u64 = 128 << 20;

/// What a strategy makes of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The strategy.
    pub strategy: String,
    /// `classic` or `viable`; empty for a strategy without presets.
    pub preset: String,
    /// Its settings.
    pub setting: String,
    /// Bytes that the matrices take, payload and index records.
    pub matrix_bytes: u64,
    /// Bytes of the whole file.
    pub file_bytes: u64,
    /// Bytes of the matrices by what they hold: values, positions, scales, tables, headers.
    pub sections: BTreeMap<String, u64>,
    /// Cosine similarity over all weights of the matrices at once.
    pub cosine: f64,
    /// Squared error over squared weights, over all weights of the matrices at once.
    pub rel_mse: f64,
    /// The smallest cosine of a matrix.
    pub worst_cosine: f64,
    /// The matrix that has it.
    pub worst_tensor: String,
    /// First percentile of the cosines of embedding rows, the mean row subtracted; of models that
    /// have embeddings.
    pub worst_row: Option<f64>,
    /// How the decoded model runs, if it is one that can be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<ModelQuality>,
    /// How long it took; not part of what is checked.
    pub speed: Speed,
}

/// Throughput on whatever machine it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Threads at work.
    pub threads: usize,
    /// Millions of weights per second from the checkpoint to the file.
    pub encode: f64,
    /// Millions of weights per second from the file to values in memory.
    pub decode: f64,
}

/// One matrix of a measured model.
pub struct TensorRow {
    /// Its name.
    pub name: String,
    /// Elements.
    pub weights: u64,
    /// Bytes stored, of the fragments that were decoded.
    pub bytes: u64,
    /// Components of its low-rank product, if it has one.
    pub rank: Option<usize>,
    /// How it agrees with the original.
    pub sums: RowComparison,
}

/// Compares two tensors of the same type and shape, of which `fold` gives the matrix.
pub fn compared(
    a: &[u8],
    b: &[u8],
    dtype: Dtype,
    rows: usize,
    cols: usize,
) -> Result<RowComparison> {
    let a = MatrixView::from_bytes(a, dtype, rows, cols)?;
    let b = MatrixView::from_bytes(b, dtype, rows, cols)?;
    Ok(between(&a, &b, rows, cols))
}

/// Compares two matrices of the same shape, whatever their types, all rows in one sum.
fn between(a: &MatrixView<'_>, b: &MatrixView<'_>, rows: usize, cols: usize) -> RowComparison {
    let (mut x, mut y) = (vec![0f32; cols], vec![0f32; cols]);
    let mut sums = RowComparison::default();
    for r in 0..rows {
        a.read(r * cols, &mut x);
        b.read(r * cols, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            let (x, y) = (f64::from(x), f64::from(y));
            sums.original += x * x;
            sums.decoded += y * y;
            sums.product += x * y;
            sums.error += (x - y) * (x - y);
        }
    }
    sums
}

struct Bar<'a>(&'a ProgressBar);

impl Progress for Bar<'_> {
    fn advance(&self, bytes: u64, _tensor: &str) {
        self.0.inc(bytes);
    }
}

/// A coded checkpoint in a temporary file.
pub struct CodedFile {
    folder: tempfile::TempDir,
    report: CompressReport,
    encoding: Duration,
}

impl CodedFile {
    /// Codes `model` with `contestant`. `bar` advances by the bytes of the checkpoint.
    pub fn new(model: &Model, contestant: &Contestant, bar: &ProgressBar) -> Result<CodedFile> {
        bar.set_message(format!("{} {}", contestant.strategy, contestant.setting));
        let folder = tempfile::tempdir().context("no room for a temporary file")?;
        let start = Instant::now();
        let path = folder.path().join(FILE);
        let report = contestant.compress(&model.checkpoint, &path, &Bar(bar))?;
        Ok(CodedFile {
            folder,
            report,
            encoding: start.elapsed(),
        })
    }

    /// The file, opened.
    pub fn open(&self) -> Result<HctFile> {
        Ok(HctFile::open(self.folder.path().join(FILE))?)
    }
}

const FILE: &str = "model.hct";

/// Decoded matrices beside the originals.
pub struct Comparison {
    /// All of them at once.
    pub total: RowComparison,
    /// One by one.
    pub tensors: Vec<TensorRow>,
    /// First percentile of the cosines of embedding rows, the mean row subtracted.
    pub worst_row: Option<f64>,
    decoding: Duration,
}

impl Comparison {
    /// Decodes the first `fragments` fragments of `matrices` from `file` and compares.
    pub fn new(
        model: &Model,
        matrices: &[usize],
        file: HctFile,
        fragments: usize,
    ) -> Result<Comparison> {
        let file = file.with_fragments(fragments);
        let mut comparison = Comparison {
            total: RowComparison::default(),
            tensors: Vec::new(),
            worst_row: None,
            decoding: Duration::ZERO,
        };
        let mut rows = Vec::new();
        for group in groups(model, matrices) {
            let start = Instant::now();
            let decoded = group
                .par_iter()
                .map(|&i| file.read(i))
                .collect::<Result<Vec<_>, _>>()?;
            comparison.decoding += start.elapsed();
            let compared = group
                .par_iter()
                .zip(&decoded)
                .map(|(&i, decoded)| {
                    let info = &model.checkpoint.tensors()[i];
                    let sums = compare(model, i, decoded, info.dtype)?;
                    let rows = match role(&info.name) {
                        Role::Embedding => rows_of(model, i, decoded)?,
                        _ => Vec::new(),
                    };
                    Ok((sums, rows))
                })
                .collect::<Result<Vec<_>>>()?;
            for (&i, (sums, of_tensor)) in group.iter().zip(compared) {
                let record = &file.index().tensors[i];
                comparison.total.merge(&sums);
                comparison.tensors.push(TensorRow {
                    name: record.name.clone(),
                    weights: record.elements(),
                    bytes: record.prefix_bytes(fragments),
                    rank: rank(record),
                    sums,
                });
                rows.extend(of_tensor);
            }
        }
        comparison.worst_row = first_percentile(rows);
        Ok(comparison)
    }

    /// Bytes of the matrices.
    pub fn bytes(&self) -> u64 {
        self.tensors.iter().map(|t| t.bytes).sum()
    }
}

/// Components of the low-rank product in a record.
pub fn rank(record: &TensorRecord) -> Option<usize> {
    let Recipe::Fragments { fragments, .. } = &record.recipe else {
        return None;
    };
    fragments.iter().find_map(|fragment| match fragment {
        Fragment::Product(left, _) => Some(left.recipe().cols),
        _ => None,
    })
}

/// Codes `model` with `contestant` to a temporary file, decodes `matrices` from it and compares;
/// with an `evaluator`, the model in the file is also run. `bar` advances by the bytes of the
/// checkpoint.
pub fn measure(
    model: &Model,
    matrices: &[usize],
    contestant: &Contestant,
    evaluator: Option<&Evaluator>,
    bar: &ProgressBar,
) -> Result<(Row, Vec<TensorRow>)> {
    let coded = CodedFile::new(model, contestant, bar)?;
    let compared = Comparison::new(model, matrices, coded.open()?, usize::MAX)?;
    let file = coded.open()?;
    let mut sections = Sections::default();
    for &i in matrices {
        sections.merge(&file.sections(i)?);
    }
    let quality = match evaluator {
        Some(evaluator) => {
            bar.set_message(format!(
                "running {} {}",
                contestant.strategy, contestant.setting
            ));
            Some(evaluator.evaluate(&file)?)
        }
        None => None,
    };
    let worst = compared
        .tensors
        .iter()
        .min_by(|a, b| a.sums.cosine().total_cmp(&b.sums.cosine()))
        .context("there is no matrix")?;
    let weights: u64 = compared.tensors.iter().map(|t| t.weights).sum();
    let millions = |n: u64, time: Duration| n as f64 / 1e6 / time.as_secs_f64();
    let row = Row {
        strategy: contestant.strategy.into(),
        preset: preset_name(contestant.preset).into(),
        setting: contestant.setting.clone(),
        matrix_bytes: compared.bytes(),
        file_bytes: coded.report.output_bytes,
        sections: Section::ALL
            .into_iter()
            .map(|s| (s.name().to_owned(), sections.bytes[s as usize]))
            .collect(),
        cosine: compared.total.cosine(),
        rel_mse: compared.total.rel_mse(),
        worst_cosine: worst.sums.cosine(),
        worst_tensor: worst.name.clone(),
        worst_row: compared.worst_row,
        quality,
        speed: Speed {
            threads: rayon::current_num_threads(),
            encode: millions(coded.report.weights, coded.encoding),
            decode: millions(weights, compared.decoding),
        },
    };
    Ok((row, compared.tensors))
}

/// A preset as tables call it.
pub fn preset_name(preset: Option<Preset>) -> &'static str {
    match preset {
        Some(Preset::Classic) => "classic",
        Some(Preset::Viable) => "viable",
        Some(_) => "unknown",
        None => "",
    }
}

/// Compares `matrices` of `model` with the same tensors of another source, in any float type.
pub fn agreement(
    model: &Model,
    matrices: &[usize],
    other: &dyn TensorSource,
) -> Result<RowComparison> {
    let mut total = RowComparison::default();
    for group in groups(model, matrices) {
        let compared = group
            .par_iter()
            .map(|&i| compare(model, i, &other.read(i)?, other.tensors()[i].dtype))
            .collect::<Result<Vec<_>>>()?;
        for sums in &compared {
            total.merge(sums);
        }
    }
    Ok(total)
}

fn compare(model: &Model, i: usize, decoded: &[u8], dtype: Dtype) -> Result<RowComparison> {
    let info = &model.checkpoint.tensors()[i];
    let original = model.checkpoint.read(i)?;
    let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
    let original = MatrixView::from_bytes(&original, info.dtype, rows, cols)?;
    let decoded = MatrixView::from_bytes(decoded, dtype, rows, cols)?;
    Ok(between(&original, &decoded, rows, cols))
}

/// Cosines of the rows of a lookup table.
fn rows_of(model: &Model, i: usize, decoded: &[u8]) -> Result<Vec<f64>> {
    let info = &model.checkpoint.tensors()[i];
    let original = model.checkpoint.read(i)?;
    let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
    let original = MatrixView::from_bytes(&original, info.dtype, rows, cols)?;
    let decoded = MatrixView::from_bytes(decoded, info.dtype, rows, cols)?;
    centered_cosines(original, decoded, info.dtype)
}

/// Runs of `matrices` that decode to about [`GROUP_BYTES`].
fn groups(model: &Model, matrices: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut filled = u64::MAX;
    for &i in matrices {
        let info = &model.checkpoint.tensors()[i];
        let bytes = info.dtype.byte_len(info.shape.iter().product());
        let bytes = bytes.unwrap_or(GROUP_BYTES);
        match groups.last_mut() {
            Some(group) if filled.saturating_add(bytes) <= GROUP_BYTES => {
                group.push(i);
                filled += bytes;
            }
            _ => {
                groups.push(vec![i]);
                filled = bytes;
            }
        }
    }
    groups
}
