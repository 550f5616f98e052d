//! What a calibration gains: `docs/CALIBRATION.md`, `.json` and plots.

mod ablated;
mod ablation_table;
mod curve;
mod plot;
mod render;
mod report;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Result;
use hct_eval::RivalFormat;

use crate::contestant::{AtRate, BlockFormat, Contestant};
use crate::model::Model;
use crate::quality::{Sweep, calibrated, measure_all};
use crate::text::document;
use ablated::{Ablated, Ablation};
pub use report::Report;
use report::{AblationReport, Section, plot_name};

/// Bits per weight of the whole file.
const RATES: [f64; 7] = [2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0];
/// Where parts are left out.
const ABLATED_RATE: f64 = 3.5;

/// Measures models without calibration and with those that are given, and writes their sections.
/// With `ablation` the first is also measured without parts of it. What is done is written before the
/// next is begun.
pub fn run(sweep: &Sweep, ablation: bool) -> Result<()> {
    for model in &sweep.models {
        let section = measure(model, sweep, ablation)?;
        println!("{}", render::model(&model.key, &section));
        document::update(|report: &mut Report| {
            report.models.insert(model.key.clone(), section);
        })?;
    }
    Ok(())
}

fn measure(model: &Model, sweep: &Sweep, ablation: bool) -> Result<Section> {
    let mut contestants: Vec<Box<dyn Contestant<Model>>> = Vec::new();
    contestants.extend(RATES.map(|rate| Box::new(AtRate::rdo(rate)) as _));
    let mut first = None;
    for given in &sweep.given {
        let calibration = given.open()?;
        contestants.extend(calibrated(given, calibration.clone()));
        first = first.or(ablation.then_some((given, calibration)));
    }
    let formats = RivalFormat::ALL.into_iter();
    contestants.extend(formats.map(|format| Box::new(BlockFormat(format)) as _));
    for without in first.iter().flat_map(|_| Ablation::ALL) {
        let Some((_, whole)) = &first else { break };
        let whole = whole.clone();
        let ablated = Arc::new(Ablated { whole, without });
        let calibrated = AtRate::calibrated(without.name(), ABLATED_RATE, ablated);
        contestants.push(Box::new(calibrated));
    }
    let mut curves = measure_all(model, sweep, &contestants)?;
    let is_ablated = |name: &str| Ablation::ALL.iter().any(|without| without.name() == name);
    let (rows, whole) = curves
        .rows
        .into_iter()
        .partition(|row| is_ablated(&row.name));
    curves.rows = whole;
    Ok(Section {
        curves,
        ablation: first.map(|(given, _)| AblationReport {
            of: given.name.clone(),
            rows,
        }),
    })
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "CALIBRATION.md";
    const JSON: &'static str = "CALIBRATION.json";

    fn sections(&self) -> Vec<(String, String)> {
        let models = self.models.iter();
        models
            .map(|(key, section)| (key.clone(), render::model(key, section)))
            .collect()
    }

    fn plots(&self) -> Result<Vec<(String, String)>> {
        let models = self.models.iter();
        models
            .map(|(key, section)| Ok((plot_name(key), plot::svg(key, section)?)))
            .collect()
    }
}
