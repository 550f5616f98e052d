//! The weights that rates and distortions are measured on.

use anyhow::{Context, Result, ensure};
use hct_core::Dtype;
use hct_model::{CheckpointSource, TensorSource};

use crate::matrix::{Matrix, gaussian};
use crate::model::{Model, meta};

/// Distortions of the curves, as relative mean squared errors; [`ABLATION`] is among them.
const POINTS: &[f64] = &[0.002, 0.0089, ABLATION, 0.065, 0.197];
/// Those of large corpora.
const FEW_POINTS: &[f64] = &[0.0089, ABLATION, 0.065];
/// The distortion of the ablation: 1 − 0.991², a cosine of 0.991.
pub const ABLATION: f64 = 0.017919;
/// Corpora of more weights than this are measured at fewer points.
const LARGE: usize = 1 << 26;

/// Matrices measured together.
pub struct Corpus {
    /// Name in JSON, markers and file names.
    pub key: String,
    /// Name for readers.
    pub title: String,
    /// The matrices, all-zero ones left out.
    pub tensors: Vec<Matrix>,
}

impl Corpus {
    /// 2²⁰ independent Gaussian samples as a matrix of 1024 × 1024, in F32.
    pub fn gaussian() -> Result<Corpus> {
        let tensor = gaussian(1024, 1024, Dtype::F32)?;
        Ok(Corpus {
            key: "gaussian".into(),
            title: "Independent Gaussian samples, 2²⁰ of them".into(),
            tensors: vec![tensor],
        })
    }

    /// The matrices of a model.
    pub fn of(model: &Model) -> Result<Corpus> {
        let mut tensors = Vec::new();
        for i in model.matrices()? {
            let info = meta(&model.checkpoint.tensors()[i]);
            tensors.push(Matrix::new(info, model.checkpoint.read(i)?.into_owned())?);
        }
        tensors.retain(|t| t.energy > 0.0);
        ensure!(!tensors.is_empty(), "the model has no matrix to measure");
        Ok(Corpus {
            key: model.key.clone(),
            title: model.title(),
            tensors,
        })
    }

    /// What NNCodec's quoted points were measured on: the matrices of MiniLM's layers 0 and 5 and
    /// the first 8,192 rows of its word embedding.
    pub fn nncodec(minilm: &Model) -> Result<Corpus> {
        let mut tensors = Vec::new();
        for i in minilm.matrices()? {
            let mut info = meta(&minilm.checkpoint.tensors()[i]);
            let in_layer = ["layer.0.", "layer.5."]
                .iter()
                .any(|l| info.name.contains(l));
            if in_layer {
                tensors.push(Matrix::new(info, minilm.checkpoint.read(i)?.into_owned())?);
            } else if info.name.contains("word_embeddings") {
                let row = info.dtype.byte_len(info.shape[1]).context("a huge row")?;
                info.shape[0] = 8192;
                let bytes = minilm.checkpoint.read_range(i, 0..8192 * row)?;
                tensors.push(Matrix::new(info, bytes.into_owned())?);
            }
        }
        ensure!(tensors.len() == 13, "this is not MiniLM");
        Ok(Corpus {
            key: "nncodec".into(),
            title: "the matrices of NNCodec's points".into(),
            tensors,
        })
    }

    /// Number of values.
    pub fn weights(&self) -> usize {
        self.tensors.iter().map(Matrix::weights).sum()
    }

    /// The relative mean squared errors to measure at.
    pub fn points(&self) -> &'static [f64] {
        if self.weights() > LARGE {
            FEW_POINTS
        } else {
            POINTS
        }
    }
}
