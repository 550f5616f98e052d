//! Models run before and after coding: `docs/QUALITY.md`, `.json` and plots.

mod bands;
mod journal;
mod measure;
mod plot;
mod render;
mod report;
mod sweep;
mod thresholds;
mod thresholds_section;

use anyhow::Result;

use crate::text::document;
pub use measure::{calibrated, measure_all};
pub use plot::{Panel, panels_svg};
pub use render::{kinds_table, setting};
use report::plot_name;
pub use report::{ModelReport, QualityRow, Report};
pub use sweep::Sweep;

/// Measures models and writes their sections. What is done is written before the next is begun.
pub fn run(sweep: &Sweep) -> Result<()> {
    for model in &sweep.models {
        let measured = measure::measure(model, sweep)?;
        println!("{}", render::model(&model.key, &measured));
        document::update(|report: &mut Report| {
            report.models.insert(model.key.clone(), measured);
        })?;
    }
    Ok(())
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "QUALITY.md";
    const JSON: &'static str = "QUALITY.json";

    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = vec![("about".to_owned(), render::ABOUT.to_owned())];
        for (key, model) in &self.models {
            sections.push((key.clone(), render::model(key, model)));
        }
        sections
    }

    fn plots(&self) -> Result<Vec<(String, String)>> {
        let plots = self.models.iter();
        plots
            .map(|(key, model)| Ok((plot_name(key), plot::svg(key, model)?)))
            .collect()
    }
}
