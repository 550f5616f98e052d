//! Models run before and after coding: columns of `docs/STRATEGIES.md`, and `docs/QUALITY.md`,
//! `.json` and plots.

mod bands;
mod columns;
mod evaluator;
mod measure;
mod model_quality;
mod plot;
mod questions;
mod render;
mod report;
mod settings;
#[cfg(test)]
mod tests;
mod thresholds;
mod thresholds_section;

use anyhow::Result;

use super::document::{self, Rendered};
use super::model::{Model, docs};
pub use evaluator::Evaluator;
pub use model_quality::ModelQuality;
use report::Report;
pub use settings::Settings;

const MARKDOWN: &str = "QUALITY.md";
const JSON: &str = "QUALITY.json";

/// Measures `models` and writes their sections. What is done is written before the next is begun.
pub fn run(models: &[Model], settings: &Settings) -> Result<()> {
    for model in models {
        let measured = measure::measure(model, settings)?;
        println!("{}", render::model(&model.key, &measured));
        let mut report: Report = document::read_json(&docs(JSON))?;
        report.models.insert(model.key.clone(), measured);
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
    let plots = report.models.iter();
    Ok(Rendered {
        markdown: MARKDOWN,
        json: JSON,
        sections: sections(&report),
        plots: plots
            .map(|(key, model)| Ok((plot_name(key), plot::svg(key, model)?)))
            .collect::<Result<_>>()?,
    })
}

/// The sections by key, in reading order.
fn sections(report: &Report) -> Vec<(String, String)> {
    let mut sections = vec![("about".to_owned(), render::ABOUT.to_owned())];
    for (key, model) in &report.models {
        sections.push((key.clone(), render::model(key, model)));
    }
    sections
}

fn plot_name(key: &str) -> String {
    format!("quality-{key}.svg")
}
