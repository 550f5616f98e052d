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
use crate::repository::docs;
use crate::text::document::{self, Rendered};
use corpus::Corpus;
use report::{CorpusReport, Report};

const MARKDOWN: &str = "RATE_DISTORTION.md";
const JSON: &str = "RATE_DISTORTION.json";

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
    let mut report: Report = document::read_json(&docs(JSON))?;
    report.corpora.insert(corpus.key.clone(), measured);
    document::write_json(&docs(JSON), &report)?;
    render()
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
    let plots = report.corpora.iter();
    Ok(Rendered {
        markdown: MARKDOWN,
        json: JSON,
        sections: sections(&report),
        plots: plots
            .map(|(key, corpus)| Ok((plot_name(key), plot::svg(key, corpus)?)))
            .collect::<Result<_>>()?,
    })
}

/// The sections by key, in reading order.
fn sections(report: &Report) -> Vec<(String, String)> {
    let mut sections = vec![
        ("about".to_owned(), render::ABOUT.to_owned()),
        ("targets".to_owned(), render::targets(report)),
    ];
    for key in report.keys() {
        let section = render::corpus(key, &report.corpora[key]);
        sections.push((key.to_owned(), section));
    }
    sections.push(("quoted".into(), render::quoted()));
    sections
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
