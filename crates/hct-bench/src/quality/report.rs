//! What was measured, as kept in `QUALITY.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluation::Settings;
use crate::evaluation::{LanguageQuality, ModelQuality};

/// Everything, by model.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    /// Models by key.
    pub models: BTreeMap<String, ModelReport>,
}

/// One model under all contestants.
#[derive(Clone, Serialize, Deserialize)]
pub struct ModelReport {
    /// Name for readers.
    pub title: String,
    /// Type of the matrices.
    pub dtype: String,
    /// Elements of all float tensors.
    pub weights: u64,
    /// What it was run on.
    pub settings: Settings,
    /// The names of rows that are coded by a calibration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibrations: Vec<String>,
    /// One row per contestant.
    pub rows: Vec<QualityRow>,
}

/// A contestant.
#[derive(Clone, Serialize, Deserialize)]
pub struct QualityRow {
    /// The strategy, or the name of another format.
    pub name: String,
    /// Its settings.
    pub setting: String,
    /// Bytes of the whole model.
    pub bytes: u64,
    /// Cosine of all matrices as one vector.
    pub cosine: f64,
    /// Relative mean squared error of the same.
    pub rel_mse: f64,
    /// For another format: how many weights are really stored as what. Empty for HCT.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blocks: BTreeMap<String, u64>,
    /// How long coding took, every try for a size counted. Not in documents from before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode_seconds: Option<f64>,
    /// How the model runs.
    pub quality: ModelQuality,
}

impl ModelReport {
    /// Bits per weight of a row, the whole model counted.
    pub fn bits(&self, row: &QualityRow) -> f64 {
        8.0 * row.bytes as f64 / self.weights as f64
    }

    /// The rows of a language model that know nothing of it but its weights.
    pub fn data_free(&self) -> Vec<(&QualityRow, &LanguageQuality)> {
        let rows = self.rows.iter();
        let rows = rows.filter(|row| !self.calibrations.contains(&row.name));
        rows.filter_map(|row| match &row.quality {
            ModelQuality::Language(quality) => Some((row, quality)),
            ModelQuality::Sentence(_) => None,
        })
        .collect()
    }
}

impl QualityRow {
    /// Whether it is another format, not HCT.
    pub fn is_rival(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Whether the weights come back as they were.
    pub fn is_exact(&self) -> bool {
        self.rel_mse == 0.0
    }

    /// Name and setting in one.
    pub fn label(&self) -> String {
        format!("{} {}", self.name, self.setting)
            .trim_end()
            .to_owned()
    }
}

/// The name of a model's plot.
pub fn plot_name(key: &str) -> String {
    format!("quality-{key}.svg")
}
