//! What a file of statistics says of where they come from.

use serde::{Deserialize, Serialize};

/// Where statistics come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationInfo {
    /// [`crate::model_hash`] of the model that was run, in hexadecimal; empty when it is not known.
    pub model: String,
    /// How many tokens were run.
    pub tokens: u64,
    /// In how many windows.
    pub windows: u64,
    /// The most tokens of a window.
    pub context: u64,
    /// The seed of everything drawn at random.
    pub seed: u64,
    /// Tokens of text that the model wrote itself.
    pub self_text: u64,
    /// SHA-256 of the texts, in hexadecimal, in their order; of what the model wrote itself too.
    pub texts: Vec<String>,
}
