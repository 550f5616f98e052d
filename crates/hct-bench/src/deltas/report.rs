//! What was measured, as kept in `DELTAS.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pairs::PAIRS;
use crate::evaluation::{ModelQuality, Settings};

/// Everything, by pair.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Pairs by key.
    pub pairs: BTreeMap<String, PairReport>,
}

impl Report {
    /// The pairs that are there, in reading order.
    pub fn ordered(&self) -> Vec<(&str, &PairReport)> {
        let known = PAIRS.iter();
        known
            .filter_map(|source| Some((source.key, self.pairs.get(source.key)?)))
            .collect()
    }
}

/// One fine-tune under all contestants.
#[derive(Clone, Serialize, Deserialize)]
pub struct PairReport {
    /// Type of the matrices.
    pub dtype: String,
    /// Elements of all float tensors.
    pub weights: u64,
    /// ‖W − B‖ / ‖W‖ of all matrices.
    pub moved: f64,
    /// What it was run on.
    pub settings: Settings,
    /// Bits per weight of the differences were they independent but for their row's scale.
    pub independent_bits: Option<f64>,
    /// The base in the fine-tune's place: how far the fine-tune went.
    pub base: DeltaRow,
    /// What gives back every bit.
    pub exact: Vec<DeltaRow>,
    /// What does not.
    pub lossy: Vec<DeltaRow>,
    /// The fewest bits found, alone and on the base, for what a fine-tune is judged by.
    pub least: Option<Least>,
}

/// A contestant.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeltaRow {
    /// The strategy, or what else it is.
    pub name: String,
    /// Its settings.
    pub setting: String,
    /// Bytes of the whole model, beside the base where it needs that.
    pub bytes: u64,
    /// Whether the base is needed.
    pub on_base: bool,
    /// Cosine of all matrices as one vector.
    pub cosine: f64,
    /// Relative mean squared error of the same.
    pub rel_mse: f64,
    /// Cosine of the differences from the base.
    pub delta_cosine: f64,
    /// How the model runs, for models that can be run; none where every bit is back.
    pub quality: Option<ModelQuality>,
}

/// The smallest files found that reach a goal.
#[derive(Clone, Serialize, Deserialize)]
pub struct Least {
    /// Coded alone.
    pub alone: DeltaRow,
    /// Coded on the base.
    pub on_base: DeltaRow,
}

impl PairReport {
    /// Bits per weight of a row, the whole file counted.
    pub fn bits(&self, row: &DeltaRow) -> f64 {
        8.0 * row.bytes as f64 / self.weights as f64
    }

    /// Whether the model was run.
    pub fn runs(&self) -> bool {
        self.base.quality.is_some()
    }

    /// The row of an exact contestant.
    pub fn exact_row(&self, name: &str) -> Option<&DeltaRow> {
        self.exact.iter().find(|row| row.name == name)
    }

    /// The rows of rivals that give back every bit.
    pub fn rivals(&self) -> impl Iterator<Item = &DeltaRow> {
        self.exact.iter().filter(|row| row.name.contains("XOR"))
    }
}

/// The name of a pair's plot.
pub fn plot_name(key: &str) -> String {
    format!("deltas-{key}.svg")
}
