//! What was measured, as kept in `BENCHMARKS.json`.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::spread::Spread;
use super::stage::Stage;

/// Everything; each part is measured by itself.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Coders side by side.
    pub coders: Option<Coders>,
    /// Where the time goes.
    #[serde(default)]
    pub stages: Option<Stages>,
    /// Cost by size.
    pub sizes: Option<Sizes>,
    /// The tool on a checkpoint.
    pub tool: Option<Tool>,
}

/// Coders on the same weights.
#[derive(Serialize, Deserialize)]
pub struct Coders {
    /// Where.
    pub machine: Machine,
    /// Rounds, without the one that warms up.
    pub rounds: usize,
    /// Weights that each coder gets.
    pub weights: u64,
    /// Their standard deviation.
    pub deviation: f32,
    /// In the order of the tables.
    pub rows: Vec<CoderRow>,
    /// What could not be measured, and why.
    pub skipped: Vec<String>,
}

/// A coder in a setting.
#[derive(Serialize, Deserialize)]
pub struct CoderRow {
    /// Its name.
    pub coder: String,
    /// Whether it is ours.
    pub ours: bool,
    /// The type of the weights.
    pub dtype: String,
    /// The SIMD level, if it is ours.
    pub level: Option<String>,
    /// Threads at work.
    pub threads: usize,
    /// Bytes that it takes coded.
    pub bytes: u64,
    /// Relative mean squared error; 0 where every bit comes back.
    pub rel_mse: f64,
    /// Seconds of coding all weights.
    pub encode: Spread,
    /// Seconds of decoding them.
    pub decode: Spread,
}

/// Our coders on tensors of several sizes.
#[derive(Serialize, Deserialize)]
pub struct Sizes {
    /// Where.
    pub machine: Machine,
    /// Rounds.
    pub rounds: usize,
    /// The SIMD level.
    pub level: String,
    /// One per coder and size.
    pub rows: Vec<SizeRow>,
}

/// A coder on files of a form.
#[derive(Serialize, Deserialize)]
pub struct SizeRow {
    /// Every bit back, or the trellis of 64 states.
    pub exact: bool,
    /// Tensors in the file.
    pub tensors: usize,
    /// Weights in each.
    pub weights: usize,
    /// Seconds of coding the file.
    pub encode: Spread,
    /// Seconds of decoding it band by band, into memory that is used again.
    pub bands: Spread,
    /// Seconds of decoding it tensor by tensor, into a vector for each.
    pub decode: Spread,
}

/// What coding is made of.
#[derive(Serialize, Deserialize)]
pub struct Stages {
    /// Where.
    pub machine: Machine,
    /// Rounds.
    pub rounds: usize,
    /// The SIMD level.
    pub level: String,
    /// One per part.
    pub rows: Vec<StageRow>,
}

/// A part of coding.
#[derive(Serialize, Deserialize)]
pub struct StageRow {
    /// Which.
    pub stage: Stage,
    /// Seconds; of the clock, cycles a second.
    pub measured: Spread,
}

impl Stages {
    /// The median of a part; NaN where it was not measured.
    pub fn of(&self, stage: Stage) -> f64 {
        let row = self.rows.iter().find(|row| row.stage == stage);
        row.map_or(f64::NAN, |row| row.measured.median)
    }
}

/// The tool on a checkpoint, and copying it.
#[derive(Serialize, Deserialize)]
pub struct Tool {
    /// Where.
    pub machine: Machine,
    /// Rounds.
    pub rounds: usize,
    /// Bytes of the checkpoint.
    pub bytes: u64,
    /// Everything that was run, in the order of the table.
    pub rows: Vec<ToolRow>,
}

/// Something that was run.
#[derive(Serialize, Deserialize)]
pub struct ToolRow {
    /// What it is.
    pub job: Job,
    /// Threads at work.
    pub threads: usize,
    /// Seconds from start to end.
    pub seconds: Spread,
    /// The most memory that it had, where the system tells.
    pub peak_bytes: Option<u64>,
    /// Bytes of what it wrote; 0 of what stayed in memory.
    pub written: u64,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// `hct compress`.
    Compress(Mode),
    /// `hct compress` without loss that does not read its file again.
    CompressUnproven,
    /// `hct decompress` of what that made.
    Decompress(Mode),
    /// Decoding the same from memory to memory.
    Decoder(Mode),
    /// Coding the tensors of the checkpoint, in memory.
    Encoder(Mode),
    /// `cp` of the checkpoint.
    Copy,
    /// The same, and waiting until it is on the disk.
    CopySynced,
    /// `cp` after a pause in which free memory was left alone.
    CopyLater,
}

/// How the checkpoint is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Without options.
    Default,
    /// `--strategy lossless`.
    Lossless,
}

impl Mode {
    /// Both.
    pub const ALL: [Mode; 2] = [Mode::Default, Mode::Lossless];
}

impl Coders {
    /// What a row is compared with: the baseline on the same type.
    pub fn baseline(&self, name: &str, row: &CoderRow) -> Option<&CoderRow> {
        let mut rows = self.rows.iter();
        rows.find(|r| r.coder == name && r.dtype == row.dtype && r.threads == 1)
    }

    /// The same coder at another level or on other threads.
    pub fn other(&self, row: &CoderRow, level: Option<&str>, threads: usize) -> Option<&CoderRow> {
        self.rows.iter().find(|r| {
            r.coder == row.coder
                && r.dtype == row.dtype
                && r.level.as_deref() == level
                && r.threads == threads
        })
    }
}

impl Tool {
    /// A job on so many threads.
    pub fn row(&self, job: Job, threads: usize) -> Option<&ToolRow> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.job == job && row.threads == threads)
    }
}
