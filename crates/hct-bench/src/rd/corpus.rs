//! The weights that rates and distortions are measured on.

use anyhow::{Context, Result, ensure};
use hct_core::{Dtype, MatrixView, TensorMeta, fold};
use hct_model::{CheckpointSource, TensorSource};
use hct_strategies::TensorView;

use crate::model::{Model, meta};

/// Distortions of the curves, as relative mean squared errors; [`ABLATION`] is among them.
const POINTS: &[f64] = &[0.002, 0.0089, ABLATION, 0.065, 0.197];
/// Those of large corpora.
const FEW_POINTS: &[f64] = &[0.0089, ABLATION, 0.065];
/// The distortion of the ablation: 1 − 0.991², a cosine of 0.991.
pub const ABLATION: f64 = 0.017919;
/// Corpora of more weights than this are measured at fewer points.
const LARGE: usize = 1 << 26;

/// A matrix and its bytes.
pub struct Tensor {
    /// Name, type and shape.
    pub meta: TensorMeta,
    bytes: Vec<u8>,
    /// Rows of the folded matrix.
    pub rows: usize,
    /// Columns of the folded matrix.
    pub cols: usize,
    /// Mean square of its values.
    pub energy: f64,
}

impl Tensor {
    /// A tensor of these bytes.
    pub fn new(meta: TensorMeta, bytes: Vec<u8>) -> Result<Tensor> {
        let (rows, cols) = fold(&meta.shape).context("a tensor is empty")?;
        let matrix = MatrixView::from_bytes(&bytes, meta.dtype, rows, cols)?;
        let energy = matrix.moments().energy;
        Ok(Tensor {
            meta,
            bytes,
            rows,
            cols,
            energy,
        })
    }

    /// Number of values.
    pub fn weights(&self) -> usize {
        self.rows * self.cols
    }

    /// The bytes of the values.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As strategies take it.
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            meta: &self.meta,
            bytes: &self.bytes,
            base: None,
        }
    }

    /// As the codec takes it.
    pub fn matrix(&self) -> Result<MatrixView<'_>> {
        let view = MatrixView::from_bytes(&self.bytes, self.meta.dtype, self.rows, self.cols)?;
        Ok(view)
    }
}

/// Matrices measured together.
pub struct Corpus {
    /// Name in JSON, markers and file names.
    pub key: String,
    /// Name for readers.
    pub title: String,
    /// The matrices, all-zero ones left out.
    pub tensors: Vec<Tensor>,
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
            tensors.push(Tensor::new(info, model.checkpoint.read(i)?.into_owned())?);
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
                tensors.push(Tensor::new(info, minilm.checkpoint.read(i)?.into_owned())?);
            } else if info.name.contains("word_embeddings") {
                let row = info.dtype.byte_len(info.shape[1]).context("a huge row")?;
                info.shape[0] = 8192;
                let bytes = minilm.checkpoint.read_range(i, 0..8192 * row)?;
                tensors.push(Tensor::new(info, bytes.into_owned())?);
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
        self.tensors.iter().map(Tensor::weights).sum()
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

/// Independent Gaussian samples of unit variance as a matrix.
pub fn gaussian(rows: usize, cols: usize, dtype: Dtype) -> Result<Tensor> {
    let values = standard_gaussian(rows * cols);
    let bytes = match dtype {
        Dtype::BF16 => values
            .iter()
            .flat_map(|&v| half::bf16::from_f32(v).to_le_bytes())
            .collect(),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let meta = TensorMeta {
        name: "gaussian".into(),
        dtype,
        shape: vec![rows as u64, cols as u64],
    };
    Tensor::new(meta, bytes)
}

/// Independent Gaussian samples of unit variance, the same on every machine.
pub fn standard_gaussian(n: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut uniform = || {
        // SplitMix64: Steele, Lea and Flood 2014.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    // Box and Muller 1958.
    (0..n)
        .map(|_| {
            let radius = (-2.0 * libm::log(1.0 - uniform())).sqrt();
            (radius * libm::cos(std::f64::consts::TAU * uniform())) as f32
        })
        .collect()
}
