//! What the driver and its workers say to each other: a line of JSON each.

use serde::{Deserialize, Serialize};

use super::stage::Stage;

/// One thing to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A coder on the weights of a type.
    Coder {
        /// Its name.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// One of our coders on tensors of a size.
    Size {
        /// Every bit back, or the trellis of 64 states.
        exact: bool,
        /// How many tensors.
        tensors: usize,
        /// Weights in each.
        weights: usize,
    },
    /// A part of coding.
    Stage {
        /// Which.
        stage: Stage,
    },
    /// Decoding every tensor of a file that is in memory.
    File {
        /// Where it is.
        path: String,
    },
    /// Coding every tensor of a checkpoint that is in memory, by the strategy alone: no hashes, nothing written.
    Checkpoint {
        /// Where it is.
        path: String,
        /// Every bit back, or what `hct compress` does unless told otherwise.
        exact: bool,
    },
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds of encoding.
    pub encode: f64,
    /// Seconds of decoding.
    pub decode: f64,
    /// Seconds of decoding band by band, of tensors of a size.
    #[serde(default)]
    pub bands: f64,
    /// Bytes that it takes coded.
    pub bytes: u64,
    /// Relative mean squared error.
    pub rel_mse: f64,
    /// The same for the same coded and decoded bits.
    pub hash: u64,
}

/// What a worker answers.
pub type Answer = Result<Measured, String>;
