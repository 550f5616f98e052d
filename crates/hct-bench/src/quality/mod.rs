//! Models run before and after coding: `docs/QUALITY.md`, `.json` and plots.

mod bands;
mod measure;
mod plot;
mod render;
mod report;
mod thresholds;
mod thresholds_section;

use anyhow::Result;

use crate::evaluation::Settings;
use crate::model::Model;
use crate::repository::docs;
use crate::text::document::{self, Rendered};
pub use measure::measure_all;
pub use plot::{Panel, panels_svg};
pub use render::{kinds_table, setting};
pub use report::{ModelReport, QualityRow};
use report::{Report, plot_name};

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
