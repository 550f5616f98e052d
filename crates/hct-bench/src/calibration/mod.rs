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
use crate::repository::docs;
use crate::text::document::{self, Rendered};
use report::{Report, Section, plot_name};

const MARKDOWN: &str = "CALIBRATION.md";
const JSON: &str = "CALIBRATION.json";

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
        let mut report: Report = document::read_json(&docs(JSON))?;
        report.models.insert(model.key.clone(), section);
        document::write_json(&docs(JSON), &report)?;
        render()?;
    }
    Ok(())
}

/// Rewrites the Markdown and the plots from the JSON.
pub fn render() -> Result<()> {
    rendered()?.write()
}

/// Fails unless the Markdown and the plots are what the JSON makes. Measures nothing.
pub fn check() -> Result<()> {
    rendered()?.check()
}

fn rendered() -> Result<Rendered> {
    let report: Report = document::read_json(&docs(JSON))?;
    let (mut sections, mut plots) = (Vec::new(), Vec::new());
    for (key, section) in &report.models {
        sections.push((key.clone(), render::model(key, section)));
        plots.push((plot_name(key), plot::svg(key, section)?));
    }
    Ok(Rendered {
        markdown: MARKDOWN,
        json: JSON,
        sections,
        plots,
    })
}
