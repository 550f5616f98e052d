//! Sending a checkpoint through a strategy, into a file and back, and measuring everything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hct_core::{Dtype, MatrixView, Section, Sections, fold};
use hct_model::{HctModel, Progress, TensorSource};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::contestant::Contestant;
use super::model::Model;
use super::quality::{Evaluator, ModelQuality};

/// Decoded bytes to hold at a time.
const GROUP_BYTES: u64 = 128 << 20;

/// What a strategy makes of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The strategy.
    pub strategy: String,
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
    /// Bytes stored.
    pub bytes: u64,
}

/// Sums over weights, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    original: f64,
    decoded: f64,
    product: f64,
    error: f64,
}

impl Sums {
    /// Compares two tensors of the same type and shape, of which `fold` gives the matrix.
    pub fn of(a: &[u8], b: &[u8], dtype: Dtype, rows: usize, cols: usize) -> Result<Sums> {
        let a = MatrixView::from_bytes(a, dtype, rows, cols)?;
        let b = MatrixView::from_bytes(b, dtype, rows, cols)?;
        Ok(Sums::between(&a, &b, rows, cols))
    }

    /// Compares two matrices of the same shape, whatever their types.
    fn between(a: &MatrixView<'_>, b: &MatrixView<'_>, rows: usize, cols: usize) -> Sums {
        let (mut x, mut y) = (vec![0f32; cols], vec![0f32; cols]);
        let mut sums = Sums::default();
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

    /// Adds another tensor's.
    pub fn add(&mut self, other: &Sums) {
        self.original += other.original;
        self.decoded += other.decoded;
        self.product += other.product;
        self.error += other.error;
    }

    /// Cosine similarity; 1 of two zero tensors.
    pub fn cosine(&self) -> f64 {
        let norms = (self.original * self.decoded).sqrt();
        if norms > 0.0 {
            self.product / norms
        } else {
            f64::from(u8::from(self.original == self.decoded))
        }
    }

    /// Relative mean squared error; 0 of an exact copy.
    pub fn rel_mse(&self) -> f64 {
        if self.error == 0.0 {
            0.0
        } else {
            self.error / self.original
        }
    }
}

struct Bar<'a>(&'a ProgressBar);

impl Progress for Bar<'_> {
    fn advance(&self, bytes: u64, _tensor: &str) {
        self.0.inc(bytes);
    }
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
    let name = format!("{} {}", contestant.strategy, contestant.setting);
    bar.set_message(name.clone());
    let folder = tempfile::tempdir().context("no room for a temporary file")?;
    let path = folder.path().join("model.hct");
    let start = Instant::now();
    let report = contestant.compress(&model.checkpoint, &path, &Bar(bar))?;
    let encoding = start.elapsed();
    let file = HctModel::open(&path)?;
    let mut decoding = Duration::ZERO;
    let mut total = Sums::default();
    let mut sections = Sections::default();
    let mut worst = (f64::INFINITY, String::new());
    let mut tensors = Vec::new();
    for group in groups(model, matrices) {
        let start = Instant::now();
        let decoded = group
            .par_iter()
            .map(|&i| file.read(i))
            .collect::<Result<Vec<_>, _>>()?;
        decoding += start.elapsed();
        let compared = group
            .par_iter()
            .zip(&decoded)
            .map(|(&i, decoded)| compare(model, i, decoded, model.checkpoint.tensors()[i].dtype))
            .collect::<Result<Vec<_>>>()?;
        for (&i, sums) in group.iter().zip(&compared) {
            let record = &file.index().tensors[i];
            total.add(sums);
            sections.merge(&file.sections(i)?);
            if sums.cosine() < worst.0 {
                worst = (sums.cosine(), record.name.clone());
            }
            tensors.push(TensorRow {
                name: record.name.clone(),
                weights: record.elements(),
                bytes: record.stored_bytes(),
            });
        }
    }
    bar.set_message(format!("running {name}"));
    let quality = evaluator.map(|e| e.evaluate(&file)).transpose()?;
    let weights: u64 = tensors.iter().map(|t| t.weights).sum();
    let millions = |n: u64, time: Duration| n as f64 / 1e6 / time.as_secs_f64();
    let row = Row {
        strategy: contestant.strategy.into(),
        setting: contestant.setting.clone(),
        matrix_bytes: tensors.iter().map(|t| t.bytes).sum(),
        file_bytes: report.output_bytes,
        sections: Section::ALL
            .into_iter()
            .map(|s| (s.name().to_owned(), sections.bytes[s as usize]))
            .collect(),
        cosine: total.cosine(),
        rel_mse: total.rel_mse(),
        worst_cosine: worst.0,
        worst_tensor: worst.1,
        quality,
        speed: Speed {
            threads: rayon::current_num_threads(),
            encode: millions(report.weights, encoding),
            decode: millions(weights, decoding),
        },
    };
    Ok((row, tensors))
}

/// Compares `matrices` of `model` with the same tensors of another source, in any float type.
pub fn agreement(model: &Model, matrices: &[usize], other: &dyn TensorSource) -> Result<Sums> {
    let mut total = Sums::default();
    for group in groups(model, matrices) {
        let compared = group
            .par_iter()
            .map(|&i| compare(model, i, &other.read(i)?, other.tensors()[i].dtype))
            .collect::<Result<Vec<_>>>()?;
        for sums in &compared {
            total.add(sums);
        }
    }
    Ok(total)
}

fn compare(model: &Model, i: usize, decoded: &[u8], dtype: Dtype) -> Result<Sums> {
    let info = &model.checkpoint.tensors()[i];
    let original = model.checkpoint.read(i)?;
    let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
    let original = MatrixView::from_bytes(&original, info.dtype, rows, cols)?;
    let decoded = MatrixView::from_bytes(decoded, dtype, rows, cols)?;
    Ok(Sums::between(&original, &decoded, rows, cols))
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
