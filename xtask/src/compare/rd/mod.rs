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

use super::document::{self, Document};
use super::model::{Model, docs};
use corpus::Corpus;
use report::{CorpusReport, Report};

const MARKDOWN: &str = "RATE_DISTORTION.md";
const JSON: &str = "RATE_DISTORTION.json";

/// Measures the Gaussian samples if asked to, and `models`, and writes their sections. What is
/// done is written before the next is begun.
pub fn run(with_gaussian: bool, models: &[Model]) -> Result<()> {
    if with_gaussian {
        write(&Corpus::gaussian()?, None)?;
    }
    for model in models {
        write(&Corpus::of(model)?, Some(model))?;
    }
    println!("written: docs/{MARKDOWN}, docs/{JSON}, docs/rd-*.svg");
    Ok(())
}

fn write(corpus: &Corpus, model: Option<&Model>) -> Result<()> {
    let measured = measure(corpus, model)?;
    let mut report: Report = document::read_json(&docs(JSON))?;
    let mut document = Document::read(&docs(MARKDOWN))?;
    let svg = plot::svg(&corpus.key, &measured)?;
    document::write(&docs(&format!("rd-{}.svg", corpus.key)), &svg)?;
    let section = render::corpus(&corpus.key, &measured);
    println!("{section}");
    report.corpora.insert(corpus.key.clone(), measured);
    document.set("about", render::ABOUT);
    document.set("targets", &render::targets(&report));
    document.set(&corpus.key, &section);
    document.set("quoted", &render::quoted());
    document::write_json(&docs(JSON), &report)?;
    document.write(&docs(MARKDOWN))
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
