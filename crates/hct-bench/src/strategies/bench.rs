//! What the tables of a model are measured with.

use std::time::Duration;

use anyhow::{Result, ensure};
use hct_model::TensorSource;
use indicatif::{ProgressBar, ProgressStyle};

use crate::comparison::{Comparison, Row, TensorRow, measure};
use crate::contestant::{CodedModel, Contestant, Ours};
use crate::evaluation::{Evaluator, Settings};
use crate::matrix::Matrix;
use crate::model::{Model, meta};

/// A model, its matrices, and its own run to compare with.
pub struct Bench<'a> {
    /// The model.
    pub model: &'a Model,
    /// Numbers of the tensors that lossy coding suits.
    pub matrices: Vec<usize>,
    /// Runs decoded models, where the model is one that can be run.
    pub evaluator: Option<Evaluator>,
    bar: ProgressBar,
}

impl<'a> Bench<'a> {
    /// Looks at `model`, and runs it if there are `settings` for that and it can be run.
    pub fn new(model: &'a Model, settings: Option<&Settings>) -> Result<Bench<'a>> {
        let matrices = model.matrices()?;
        ensure!(
            !matrices.is_empty(),
            "{} has no tensor that lossy coding suits",
            model.title()
        );
        let bar = spinner(&model.key)?;
        bar.set_message("running it as it is");
        let evaluator = settings.map(|s| Evaluator::of(model, s)).transpose()?;
        Ok(Bench {
            model,
            matrices,
            evaluator: evaluator.flatten(),
            bar,
        })
    }

    /// Codes, decodes and compares.
    pub fn measure(&self, contestant: &Ours) -> Result<(Row, Vec<TensorRow>)> {
        measure(self.model, &self.matrices, contestant, None, &self.bar)
    }

    /// The same, and runs the decoded model.
    pub fn measure_and_run(&self, contestant: &Ours) -> Result<(Row, Vec<TensorRow>)> {
        let evaluator = self.evaluator.as_ref();
        measure(self.model, &self.matrices, contestant, evaluator, &self.bar)
    }

    /// Codes once; the result decodes from any number of fragments.
    pub fn code(&self, contestant: &Ours) -> Result<CodedModel<'_>> {
        let label = contestant.label();
        self.say(format!("{} {}", label.name, label.setting));
        contestant.encode(self.model)
    }

    /// Decodes the first `fragments` fragments of the matrices and compares.
    pub fn compare(&self, coded: &CodedModel<'_>, fragments: usize) -> Result<Comparison> {
        Comparison::new(self.model, &self.matrices, coded.open()?, fragments)
    }

    /// The matrices whose names `wanted` picks.
    pub fn tensors(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<Matrix>> {
        let checkpoint = &self.model.checkpoint;
        let all = self.matrices.iter();
        let picked = all.filter(|&&i| wanted(&checkpoint.tensors()[i].name));
        picked
            .map(|&i| {
                Matrix::new(
                    meta(&checkpoint.tensors()[i]),
                    checkpoint.read(i)?.into_owned(),
                )
            })
            .collect()
    }

    /// Says what is being done.
    pub fn say(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }
}

/// A sign of life, with what is being done and for how long.
pub fn spinner(prefix: &str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix} {spinner} {elapsed} {msg}")?;
    let bar = ProgressBar::new_spinner()
        .with_style(style)
        .with_prefix(prefix.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
