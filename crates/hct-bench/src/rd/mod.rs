//! Rate and distortion: `docs/RATE_DISTORTION.md`, `.json` and plots.

mod corpus;
mod curves;
mod plot;
mod recipe;
mod render;
mod report;
mod rivals;
mod targets;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::model::Model;
use crate::text::document;
use corpus::Corpus;
use report::CorpusReport;
pub use report::{Report, Target};

/// Measures the Gaussian samples if asked to, and `models`, and writes their sections. What is
/// done is written before the next is begun.
pub fn run(with_gaussian: bool, models: &[Model]) -> Result<()> {
    if with_gaussian {
        add(&Corpus::gaussian()?, None)?;
    }
    for model in models {
        add(&Corpus::of(model)?, Some(model))?;
    }
    Ok(())
}

fn add(corpus: &Corpus, model: Option<&Model>) -> Result<()> {
    let measured = measure(corpus, model)?;
    println!("{}", render::corpus(&corpus.key, &measured));
    document::update(|report: &mut Report| {
        report.corpora.insert(corpus.key.clone(), measured);
    })
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "RATE_DISTORTION.md";
    const JSON: &'static str = "RATE_DISTORTION.json";

    fn sections(&self) -> Vec<(String, String)> {
        let mut sections = vec![
            ("about".to_owned(), render::ABOUT.to_owned()),
            ("targets".to_owned(), render::targets(self)),
        ];
        for key in self.keys() {
            let section = render::corpus(key, &self.corpora[key]);
            sections.push((key.to_owned(), section));
        }
        sections.push(("quoted".into(), render::quoted()));
        sections
    }

    fn plots(&self) -> Result<Vec<(String, String)>> {
        let plots = self.corpora.iter();
        plots
            .map(|(key, corpus)| Ok((plot_name(key), plot::svg(key, corpus)?)))
            .collect()
    }
}

fn plot_name(key: &str) -> String {
    format!("rd-{key}.svg")
}

fn measure(corpus: &Corpus, model: Option<&Model>) -> Result<CorpusReport> {
    let style = "{prefix} {wide_bar} {pos}/{len} {elapsed} {msg}";
    let bar = ProgressBar::new(curves::steps(corpus))
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(corpus.key.clone());
    let measured = curves::measure(corpus, &bar)?;
    let targets = targets::targets(corpus, model, &measured, &bar)?;
    bar.finish_and_clear();
    Ok(CorpusReport {
        title: corpus.title.clone(),
        matrices: corpus.tensors.len(),
        weights: corpus.weights() as u64,
        curves: measured.curves,
        ablation: measured.ablation,
        excess: measured.excess,
        targets,
    })
}
