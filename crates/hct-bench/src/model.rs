//! The checkpoints that are measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hct_core::TensorMeta;
use hct_model::{Checkpoint, TensorInfo, TensorSource};
use hct_strategies::{TensorView, lossless_reason};

use crate::repository::repository;

/// A checkpoint and what to call it.
pub struct Model {
    /// Name in JSON, markers and file names: lower-case letters, digits and hyphens.
    pub key: String,
    /// The tensors.
    pub checkpoint: Checkpoint,
}

impl Model {
    /// The sample in the repository.
    pub fn sample() -> Result<Model> {
        Self::named("sample", &repository().join("assets").join("sample"))
    }

    /// A model of the cache folder.
    pub fn fetched(key: &str) -> Result<Model> {
        Self::named(key, &cached(key)?).context("run `cargo xtask fetch` first")
    }

    /// A checkpoint anywhere, named after its file or folder.
    pub fn at(path: &Path) -> Result<Model> {
        let full = path
            .canonicalize()
            .with_context(|| format!("--model {}: no such file or folder", path.display()))?;
        let stem = full.file_stem().unwrap_or(full.as_os_str());
        let key: String = stem
            .to_string_lossy()
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        Self::named(&key, path)
    }

    /// A checkpoint of this key.
    pub fn named(key: &str, path: &Path) -> Result<Model> {
        let checkpoint = Checkpoint::open(path)?;
        Ok(Model {
            key: key.to_owned(),
            checkpoint,
        })
    }

    /// What readers know the model as.
    pub fn title(&self) -> String {
        match self.key.as_str() {
            "sample" => "The sample in `assets/sample`".into(),
            "minilm" => "MiniLM: all-MiniLM-L6-v2".into(),
            "smollm2" => "SmolLM2: SmolLM2-135M-Instruct".into(),
            other => format!("`{other}`"),
        }
    }

    /// Numbers of the tensors that lossy coding suits: the matrices.
    pub fn matrices(&self) -> Result<Vec<usize>> {
        let mut found = Vec::new();
        for (i, info) in self.checkpoint.tensors().iter().enumerate() {
            let bytes = self.checkpoint.read(i)?;
            let view = TensorView {
                meta: &meta(info),
                bytes: &bytes,
                base: None,
            };
            if lossless_reason(view)?.is_none() {
                found.push(i);
            }
        }
        Ok(found)
    }

    /// Elements of all float tensors.
    pub fn weights(&self) -> u64 {
        let tensors = self.checkpoint.tensors().iter();
        tensors
            .filter(|t| t.dtype.is_float())
            .map(|t| t.shape.iter().product::<u64>())
            .sum()
    }

    /// The float types of the matrices, as in `F16` or `F16 + F32`.
    pub fn dtypes(&self, matrices: &[usize]) -> String {
        let tensors = self.checkpoint.tensors();
        let names: BTreeSet<String> = matrices
            .iter()
            .map(|&i| tensors[i].dtype.to_string())
            .collect();
        names.into_iter().collect::<Vec<_>>().join(" + ")
    }
}

/// The folder of a fetched model.
pub fn cached(key: &str) -> Result<PathBuf> {
    let cache = std::env::var_os("HCT_CACHE")
        .context("HCT_CACHE is not set; `cargo xtask compare` sets it")?;
    Ok(Path::new(&cache).join(key))
}

/// The description that encoders take.
pub fn meta(info: &TensorInfo) -> TensorMeta {
    TensorMeta {
        name: info.name.clone(),
        dtype: info.dtype,
        shape: info.shape.clone(),
    }
}
