//! A model's section: every table measured, and every one as text.

use anyhow::{Context, Result, ensure};
use hct_model::CheckpointSource;

use super::bench::Bench;
use super::report::ModelReport;
use super::{
    adaptive, curve, importance, mixed, overhead, plot, progressive, published, retention,
    strategy, strategy_table, svd, targets,
};
use crate::evaluation::Settings;
use crate::model::Model;
use crate::text::cells::thousands;

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

    /// Measures the rows of the strategies `only` again: for a change that moves no others.
    pub fn measure_again(
        mut self,
        model: &Model,
        settings: Option<&Settings>,
        only: &[String],
    ) -> Result<ModelReport> {
        let bench = Bench::new(model, settings)?;
        let run_on = bench.evaluator.as_ref().and(settings.copied());
        ensure!(
            run_on == self.run_on,
            "{} was run on other texts: measure all strategies",
            self.title
        );
        strategy::measure_again(&bench, &mut self.strategies, only)?;
        Ok(self)
    }

    /// The section of the model.
    pub fn render(&self) -> String {
        let weights = self.matrix_weights;
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
            strategy_table::render(self),
            published::render(self),
            retention::render(&self.retention, weights),
            adaptive::render(&self.adaptive, weights),
            self.svd.as_ref().map_or_else(String::new, svd::render),
            mixed::render(&self.mixed, weights),
            importance::render(&self.importance, weights),
            progressive::render(&self.progressive, &self.curve, weights, &self.key),
            overhead::render(&self.strategies, weights),
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
