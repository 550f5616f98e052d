//! What is measured of a model, as kept in `STRATEGIES.json`.

use serde::{Deserialize, Serialize};

use super::{adaptive, curve, importance, progressive, strategy, svd};
use crate::comparison::Row;
use crate::evaluation::Settings;

/// The tables of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Name in markers and file names.
    pub key: String,
    /// Name for readers.
    pub title: String,
    /// Type of the matrices.
    pub dtype: String,
    /// Number of matrices.
    pub matrices: usize,
    /// Elements of the matrices.
    pub matrix_weights: u64,
    /// Elements of all float tensors.
    pub weights: u64,
    /// Bytes of the checkpoint.
    pub input_bytes: u64,
    /// What the model was run on, if it is one that can be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_on: Option<Settings>,
    /// Every strategy.
    pub strategies: Vec<strategy::StrategyRow>,
    /// `rdo` from coarse to fine.
    pub curve: curve::Curve,
    /// `uniform` by retention.
    pub retention: Vec<Row>,
    /// `adaptive` by target.
    pub adaptive: Vec<adaptive::AdaptiveRow>,
    /// Factors by rank, of a model with attention.
    pub svd: Option<svd::SvdTable>,
    /// `mixed` by share of FP16.
    pub mixed: Vec<Row>,
    /// `importance` at equal bits.
    pub importance: importance::ImportanceTable,
    /// Quality by prefix.
    pub progressive: Vec<progressive::Prefix>,
}
