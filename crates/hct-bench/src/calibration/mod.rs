//! What a calibration gains: `docs/CALIBRATION.md`, `.json` and plots.

mod curve;
mod plot;
mod render;
mod report;

use anyhow::Result;
use hct_eval::RivalFormat;

use crate::contestant::{AtRate, BlockFormat, Contestant};
use crate::evaluation::Settings;
use crate::model::Model;
use crate::quality::measure_all;
use crate::text::document;
pub use report::Report;
use report::{Section, plot_name};

/// Bits per weight of the whole file.
const RATES: [f64; 9] = [2.25, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0];

/// Measures `models` and writes their sections. What is done is written before the next is begun.
pub fn run(models: &[Model], settings: &Settings) -> Result<()> {
    for model in models {
        let mut contestants: Vec<Box<dyn Contestant<Model>>> = Vec::new();
        contestants.extend(RATES.map(|rate| Box::new(AtRate(rate)) as _));
        let formats = RivalFormat::ALL.into_iter();
        contestants.extend(formats.map(|format| Box::new(BlockFormat(format)) as _));
        let section = Section {
            curves: measure_all(model, settings, &contestants)?,
        };
        println!("{}", render::model(&model.key, &section));
        document::update(|report: &mut Report| {
            report.models.insert(model.key.clone(), section);
        })?;
    }
    Ok(())
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
