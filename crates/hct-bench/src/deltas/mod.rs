//! Fine-tunes coded against their bases: `docs/DELTAS.md`, `.json` and plots.

mod agreement;
mod entrants;
mod measure;
mod noise;
mod pairs;
mod plot;
mod render;
mod report;
mod search;
mod synthetic;
mod targets;

use anyhow::{Context, Result, ensure};

use crate::evaluation::Settings;
use crate::text::document;
use pairs::PAIRS;
pub use report::Report;
use report::plot_name;

/// Measures the pairs of these names, or all, and writes their sections; of what they have been
/// measured with only what is lossless if `exact`, all else kept. What is done is written before the
/// next is begun.
pub fn run(names: &[String], settings: &Settings, exact: bool) -> Result<()> {
    for name in names {
        let known = PAIRS.map(|pair| pair.key);
        ensure!(
            known.contains(&name.as_str()),
            "no pair is called {name}: there are {}",
            known.join(", ")
        );
    }
    let wanted = |key: &str| names.is_empty() || names.iter().any(|name| name == key);
    for source in PAIRS.iter().filter(|source| wanted(source.key)) {
        let measured = if exact {
            let old = document::load::<Report>()?.pairs.remove(source.key);
            let old = old.with_context(|| format!("{} has no section yet", source.key))?;
            measure::exact_again(source, old)?
        } else {
            measure::measure(source, settings)?
        };
        println!("{}", render::pair(source.key, &measured));
        document::update(|report: &mut Report| {
            report.pairs.insert(source.key.to_owned(), measured);
        })?;
    }
    Ok(())
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "DELTAS.md";
    const JSON: &'static str = "DELTAS.json";

    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = vec![
            ("about".to_owned(), render::ABOUT.to_owned()),
            ("targets".to_owned(), render::targets(self)),
        ];
        for (key, pair) in self.ordered() {
            sections.push((key.to_owned(), render::pair(key, pair)));
        }
        sections
    }

    fn plots(&self) -> Result<Vec<(String, String)>> {
        let plots = self.ordered().into_iter();
        let plots = plots.filter(|(_, pair)| pair.runs());
        plots
            .map(|(key, pair)| Ok((plot_name(key), plot::svg(key, pair)?)))
            .collect()
    }
}
