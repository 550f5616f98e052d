//! Every contestant and every rival format on one model.

use anyhow::{Context, Result};
use hct_eval::{RivalFormat, RivalModel};
use indicatif::{ProgressBar, ProgressStyle};

use super::evaluator::Evaluator;
use super::report::{ModelReport, QualityRow};
use super::settings::Settings;
use crate::contestant::Contestant;
use crate::measure::{agreement, measure as measure_strategy};
use crate::model::Model;

/// Runs `model` under all of them.
pub fn measure(model: &Model, settings: &Settings) -> Result<ModelReport> {
    let contestants = Contestant::of_quality();
    let style = "{prefix} {wide_bar} {pos}/{len} {elapsed} {msg}";
    let bar = ProgressBar::new((contestants.len() + RivalFormat::ALL.len()) as u64)
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(model.key.clone());
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar.set_message("running it as it is");
    let evaluator = Evaluator::of(model, settings)?.with_context(|| {
        format!(
            "{} cannot be run: it takes a folder with config.json and tokenizer.json of a model \
             that `hct eval` knows",
            model.title()
        )
    })?;
    let matrices = model.matrices()?;
    let mut rows = Vec::new();
    for contestant in &contestants {
        match strategy_row(model, &matrices, contestant, &evaluator, &bar)? {
            Some(row) => rows.push(row),
            None => bar.suspend(|| eprintln!("out of reach: {}", contestant.setting)),
        }
        bar.inc(1);
    }
    for format in RivalFormat::ALL {
        bar.set_message(format.name());
        rows.push(rival_row(model, &matrices, format, &evaluator)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ModelReport {
        title: model.title(),
        dtype: model.dtypes(&matrices),
        weights: model.weights(),
        settings: *settings,
        rows,
    })
}

/// None if the contestant cannot reach its size.
fn strategy_row(
    model: &Model,
    matrices: &[usize],
    contestant: &Contestant,
    evaluator: &Evaluator,
    bar: &ProgressBar,
) -> Result<Option<QualityRow>> {
    let quiet = ProgressBar::hidden();
    bar.set_message(format!("{} {}", contestant.strategy, contestant.setting));
    let measured = measure_strategy(model, matrices, contestant, Some(evaluator), &quiet);
    let row = match measured {
        Ok((row, _)) => row,
        Err(error) => {
            return match error.downcast_ref() {
                Some(hct_model::Error::RateOutOfReach { .. }) => Ok(None),
                _ => Err(error),
            };
        }
    };
    Ok(Some(QualityRow {
        name: row.strategy,
        setting: row.setting,
        bytes: row.file_bytes,
        cosine: row.cosine,
        rel_mse: row.rel_mse,
        blocks: Default::default(),
        quality: row.quality.context("the evaluator was not asked")?,
    }))
}

fn rival_row(
    model: &Model,
    matrices: &[usize],
    format: RivalFormat,
    evaluator: &Evaluator,
) -> Result<QualityRow> {
    let rival = RivalModel::new(&model.checkpoint, format)?;
    let sums = agreement(model, matrices, &rival)?;
    let blocks = rival.weights_by_block().iter();
    Ok(QualityRow {
        name: format.name().to_owned(),
        setting: String::new(),
        bytes: rival.bytes(),
        cosine: sums.cosine(),
        rel_mse: sums.rel_mse(),
        blocks: blocks.map(|(&name, &n)| (name.to_owned(), n)).collect(),
        quality: evaluator.evaluate(&rival)?,
    })
}
