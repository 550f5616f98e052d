//! What is kept of a strategy on a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluation::ModelQuality;

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

impl Row {
    /// The share of the matrices' bytes that one section takes.
    pub fn section(&self, name: &str) -> f64 {
        self.sections.get(name).copied().unwrap_or(0) as f64 / self.matrix_bytes as f64
    }
}
