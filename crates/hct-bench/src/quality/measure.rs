//! Every contestant and every rival format on one model.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use hct_eval::RivalFormat;
use hct_strategies::Calibration;
use indicatif::{ProgressBar, ProgressStyle};

use super::report::{ModelReport, QualityRow};
use super::sweep::Sweep;
use crate::comparison::agreement;
use crate::contestant::{AtRate, BlockFormat, Contestant, Label, Ours};
use crate::evaluation::{Evaluator, Settings};
use crate::given::Given;
use crate::model::Model;

/// Bits per weight of the whole file with a calibration, which loses less than any other format well
/// before the last.
const CALIBRATED_RATES: [f64; 6] = [2.5, 3.0, 3.5, 4.0, 5.0, 6.0];

/// Runs `model` under all of them.
pub fn measure(model: &Model, sweep: &Sweep) -> Result<ModelReport> {
    let mut all = contestants();
    for given in &sweep.given {
        all.extend(calibrated(given, given.open()?));
    }
    measure_all(model, sweep, &all)
}

/// One calibration at all its rates.
pub fn calibrated(
    given: &Given,
    calibration: Arc<dyn Calibration>,
) -> impl Iterator<Item = Box<dyn Contestant<Model>>> {
    CALIBRATED_RATES
        .into_iter()
        .map(move |rate| Box::new(AtRate::calibrated(&given.name, rate, calibration.clone())) as _)
}

/// Runs `model` under `contestants`, but for those that the sweep's journal has.
pub fn measure_all(
    model: &Model,
    sweep: &Sweep,
    contestants: &[Box<dyn Contestant<Model>>],
) -> Result<ModelReport> {
    let settings = &sweep.settings;
    let mut journal = sweep.journal_of(model)?;
    let style = "{prefix} {wide_bar} {pos}/{len} {elapsed} {msg}";
    let bar = ProgressBar::new(contestants.len() as u64)
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(model.key.clone());
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    // Made when there is something to measure: it runs the model.
    let mut evaluator = None;
    let matrices = model.matrices()?;
    let mut rows = Vec::new();
    for contestant in contestants {
        let Label { name, setting, .. } = contestant.label();
        let kept = journal.as_ref().and_then(|kept| kept.row(&name, &setting));
        let kept = kept.or_else(|| sweep.kept(model, &name, &setting));
        let measured = match kept {
            Some(row) => Some(row.clone()),
            None if !sweep.measures => continue,
            None => {
                let evaluator = match &mut evaluator {
                    Some(evaluator) => evaluator,
                    none => {
                        bar.set_message("running it as it is");
                        none.insert(evaluator_of(model, settings)?)
                    }
                };
                bar.set_message(format!("{name} {setting}"));
                let row = row(model, &matrices, &**contestant, evaluator)?;
                if let (Some(journal), Some(row)) = (&mut journal, &row) {
                    journal.add(row)?;
                }
                row
            }
        };
        match measured {
            Some(row) => rows.push(row),
            None => bar.suspend(|| eprintln!("out of reach: {setting}")),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(ModelReport {
        title: model.title(),
        dtype: model.dtypes(&matrices),
        weights: model.weights(),
        settings: *settings,
        calibrations: sweep.given.iter().map(|given| given.name.clone()).collect(),
        rows,
    })
}

fn evaluator_of(model: &Model, settings: &Settings) -> Result<Evaluator> {
    Evaluator::of(model, settings)?.with_context(|| {
        format!(
            "{} cannot be run: it takes a folder with config.json and tokenizer.json of a model \
             that `hct eval` knows",
            model.title()
        )
    })
}

/// The rows of a model: ours, then other formats.
fn contestants() -> Vec<Box<dyn Contestant<Model>>> {
    let rates = [2.5, 3.0, 3.5, 4.0, 5.0].map(AtRate::rdo);
    let cosines = [0.95, 0.97, 0.98, 0.99, 0.991, 0.995, 0.998, 0.999].map(Ours::rdo);
    let uniform = [0.5, 0.7, 0.9, 0.98].map(Ours::uniform);
    let formats = RivalFormat::ALL.into_iter().map(BlockFormat);
    let mut all: Vec<Box<dyn Contestant<Model>>> = Vec::new();
    all.extend(rates.into_iter().map(|c| Box::new(c) as _));
    all.extend(cosines.into_iter().map(|c| Box::new(c) as _));
    all.extend(uniform.into_iter().map(|c| Box::new(c) as _));
    all.push(Box::new(Ours::lossless()));
    all.extend(formats.map(|c| Box::new(c) as _));
    all
}

/// None if the contestant cannot reach its size.
fn row(
    model: &Model,
    matrices: &[usize],
    contestant: &dyn Contestant<Model>,
    evaluator: &Evaluator,
) -> Result<Option<QualityRow>> {
    let Label { name, setting, .. } = contestant.label();
    let start = Instant::now();
    let coded = match contestant.encode(model) {
        Ok(coded) => coded,
        Err(error) => {
            return match error.downcast_ref() {
                Some(hct_model::Error::RateOutOfReach { .. }) => Ok(None),
                _ => Err(error),
            };
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let decoded = contestant.decode(&coded, model)?;
    let sums = agreement(model, matrices, decoded.source())?;
    Ok(Some(QualityRow {
        name,
        setting,
        bytes: coded.bytes(),
        cosine: sums.cosine(),
        rel_mse: sums.rel_mse(),
        blocks: coded.weights_by_block(),
        encode_seconds: Some(seconds),
        quality: evaluator.evaluate(decoded.source())?,
    }))
}
