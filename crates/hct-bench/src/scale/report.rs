//! What was measured, as kept in `SCALE.json`.

use serde::{Deserialize, Serialize};

use super::child::Run;
use crate::speed::Machine;

/// Everything; each part is measured by itself.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Checkpoints compressed, verified and decompressed.
    #[serde(default)]
    pub rows: Vec<Row>,
    /// What is transferred of a file at a URL.
    #[serde(default)]
    pub requests: Option<Requests>,
}

/// A checkpoint that was coded in a way.
#[derive(Serialize, Deserialize)]
pub struct Row {
    /// Where.
    pub machine: Machine,
    /// What it is like.
    pub kind: Kind,
    /// How it was coded.
    pub setting: Setting,
    /// Its tensors, and bytes of their names.
    pub tensors: u64,
    pub name_bytes: u64,
    /// All weights, and those of the largest tensor.
    pub weights: u64,
    pub largest: u64,
    /// Bytes of all its files.
    pub input_bytes: u64,
    /// Bytes of the file that it became, of that file's index and of its recovery blocks.
    pub file_bytes: u64,
    pub index_bytes: u64,
    pub recovery_bytes: u64,
    /// ‖W − Ŵ‖² / ‖W‖² of what came back, and weights of other bits.
    pub rel_mse: f64,
    pub changed: u64,
    /// What the three commands took.
    pub compress: Run,
    pub verify: Run,
    pub decompress: Run,
}

/// Kinds of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A mixture of experts.
    Model,
    /// Tensors that are all alike.
    Alike,
}

/// Ways of coding.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Without options.
    Default,
    /// `--effort fast`.
    Fast,
    /// `--strategy lossless`.
    Lossless,
}

impl Setting {
    /// The options.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Setting::Default => &[],
            Setting::Fast => &["--effort", "fast"],
            Setting::Lossless => &["--strategy", "lossless"],
        }
    }

    /// The same for tables.
    pub fn name(self) -> &'static str {
        match self {
            Setting::Default => "none",
            Setting::Fast => "`--effort fast`",
            Setting::Lossless => "`--strategy lossless`",
        }
    }
}

/// What was transferred of a file.
#[derive(Serialize, Deserialize)]
pub struct Requests {
    /// Bytes of the file and of its index, and its tensors.
    pub file_bytes: u64,
    pub index_bytes: u64,
    pub tensors: u64,
    /// What was asked for, one after the other.
    pub rows: Vec<Transfer>,
}

/// A command on a URL.
#[derive(Serialize, Deserialize)]
pub struct Transfer {
    /// What it does.
    pub what: String,
    /// Bytes that decoding needs of the file beside what opening reads.
    pub needed: u64,
    /// Requests made, and bytes of the file sent.
    pub requests: u64,
    pub sent: u64,
}

impl Report {
    /// Adds a row, in the place of the one of the same checkpoint and setting.
    pub fn put(&mut self, row: Row) {
        self.rows.retain(|other| other.key() != row.key());
        self.rows.push(row);
        self.rows.sort_by_key(Row::key);
    }
}

impl Row {
    fn key(&self) -> (Kind, u64, u64, Setting) {
        (self.kind, self.weights, self.tensors, self.setting)
    }

    /// CPU seconds of a run for each million of weights.
    pub fn per_million(&self, run: &Run) -> Option<f64> {
        Some(run.cpu_seconds? / (self.weights as f64 / 1e6))
    }

    /// Bits per weight, the whole file counted.
    pub fn bits(&self) -> f64 {
        8.0 * self.file_bytes as f64 / self.weights as f64
    }

    /// The three commands.
    pub fn runs(&self) -> [(&'static str, &Run); 3] {
        [
            ("compress", &self.compress),
            ("verify", &self.verify),
            ("decompress", &self.decompress),
        ]
    }

    /// Bytes of the index for each tensor, without names.
    pub fn index_per_tensor(&self) -> f64 {
        (self.index_bytes as f64 - self.name_bytes as f64) / self.tensors as f64
    }
}
