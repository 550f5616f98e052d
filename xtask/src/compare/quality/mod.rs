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

use anyhow::{Result, ensure};

use super::document::{self, Document};
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
    let report: Report = document::read_json(&docs(JSON))?;
    let mut document = Document::read(&docs(MARKDOWN))?;
    for (key, section) in sections(&report) {
        document.set(&key, &section);
    }
    document.write(&docs(MARKDOWN))?;
    for (key, model) in &report.models {
        document::write(&docs(&plot_name(key)), &plot::svg(key, model)?)?;
    }
    println!("written: docs/{MARKDOWN} and its plots");
    Ok(())
}

/// Fails unless the Markdown and the plots are what the JSON makes. Measures nothing.
pub fn check() -> Result<()> {
    const ADVICE: &str = "run `cargo xtask compare --render` and commit what changed";
    let report: Report = document::read_json(&docs(JSON))?;
    let document = Document::read(&docs(MARKDOWN))?;
    for (key, section) in sections(&report) {
        ensure!(
            document.section(&key) == Some(section.as_str()),
            "docs/{MARKDOWN} and docs/{JSON} disagree on {key}; {ADVICE}"
        );
    }
    for (key, model) in &report.models {
        let name = plot_name(key);
        let drawn = std::fs::read_to_string(docs(&name)).unwrap_or_default();
        ensure!(
            drawn == plot::svg(key, model)?,
            "docs/{name} is not what docs/{JSON} makes; {ADVICE}"
        );
    }
    Ok(())
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
