//! The tables of `docs/STRATEGIES.md`, one module each: measured into plain structs, from which
//! alone text and plots are made.

mod about;
mod adaptive;
mod bench;
mod cells;
mod curve;
mod entrants;
mod importance;
mod low_rank;
mod matrices;
mod mixed;
mod overhead;
mod plot;
mod progressive;
mod published;
mod retention;
mod single;
mod solve;
mod speed;
mod strategy;
mod svd;
mod targets;
mod verdict;

use anyhow::{Context, Result};
use hct_model::CheckpointSource;
use serde::{Deserialize, Serialize};

use super::measure::Row;
use super::model::Model;
use super::quality::Settings;
use super::strategies::thousands;
pub use about::about;
use bench::Bench;
pub use matrices::Matrices;

/// The tables of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// Name in markers and file names.
    pub key: String,
    /// Name for readers.
    title: String,
    /// Type of the matrices.
    dtype: String,
    /// Number of matrices.
    matrices: usize,
    /// Elements of the matrices.
    matrix_weights: u64,
    /// Elements of all float tensors.
    weights: u64,
    /// Bytes of the checkpoint.
    input_bytes: u64,
    /// What the model was run on, if it is one that can be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_on: Option<Settings>,
    /// Every strategy.
    strategies: Vec<strategy::StrategyRow>,
    /// `rdo` from coarse to fine.
    curve: curve::Curve,
    /// `uniform` by retention.
    retention: Vec<Row>,
    /// `adaptive` by target.
    adaptive: Vec<adaptive::AdaptiveRow>,
    /// Factors by rank, of a model with attention.
    svd: Option<svd::SvdTable>,
    /// `mixed` by share of FP16.
    mixed: Vec<Row>,
    /// `importance` at equal bits.
    importance: importance::ImportanceTable,
    /// Quality by prefix.
    progressive: Vec<progressive::Prefix>,
}

impl ModelReport {
    /// Measures all tables. With `settings`, a model that can be run is.
    pub fn measure(model: &Model, settings: Option<&Settings>) -> Result<ModelReport> {
        let bench = Bench::new(model, settings)?;
        let strategies = strategy::measure(&bench)?;
        let reference = strategy::reference(&strategies.rows).context("no reference row")?;
        let cosine = reference.row.cosine;
        Ok(ModelReport {
            key: model.key.clone(),
            title: model.title(),
            dtype: model.dtypes(&bench.matrices),
            matrices: bench.matrices.len(),
            matrix_weights: strategies.reference.iter().map(|t| t.weights).sum(),
            weights: model.weights(),
            input_bytes: model.checkpoint.total_bytes(),
            run_on: bench.evaluator.as_ref().and(settings.copied()),
            curve: curve::Curve::measure(&bench, strategies.points())?,
            retention: retention::measure(&bench, &reference.row)?,
            adaptive: adaptive::measure(&bench)?,
            svd: svd::measure(&bench, &strategies)?,
            mixed: mixed::measure(&bench)?,
            importance: importance::measure(&bench, &strategies)?,
            progressive: progressive::measure(&bench, cosine)?,
            strategies: strategies.rows,
        })
    }

    /// The section of the model.
    pub fn render(&self) -> String {
        let head = format!(
            "## {}\n\n{} matrices of {} weights, stored as {}.{}\n\n\
             ![Rate against cosine](strategies-{}.svg)\n",
            self.title,
            self.matrices,
            thousands(self.matrix_weights),
            self.dtype,
            self.ran(),
            self.key,
        );
        let parts = [
            head,
            strategy::render(self),
            published::render(self),
            retention::render(self),
            adaptive::render(self),
            svd::render(self),
            mixed::render(self),
            importance::render(self),
            progressive::render(self),
            overhead::render(self),
            targets::of_model(self),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    /// The plots, by file name.
    pub fn plots(&self) -> Result<Vec<(String, String)>> {
        Ok(vec![
            (
                format!("strategies-{}.svg", self.key),
                plot::strategies(self)?,
            ),
            (
                format!("strategies-{}-prefix.svg", self.key),
                plot::prefixes(self)?,
            ),
        ])
    }

    /// What the model was run on, as a sentence after others.
    fn ran(&self) -> String {
        let rows = &self.strategies;
        let quality = rows.iter().find_map(|row| row.row.quality.as_ref());
        match (self.run_on, quality) {
            (Some(settings), Some(quality)) => format!(" {}", settings.describe(quality)),
            _ => String::new(),
        }
    }
}
