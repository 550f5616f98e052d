//! `cargo xtask compare`: measures the strategies and writes the tables of `docs`, as Markdown to
//! read and as JSON to compute with. One module per table; a table is made of contestants or
//! recipes, measured into plain structs, from which alone the Markdown is rendered.

mod calibration;
mod coders;
mod comparison;
mod contestant;
mod deltas;
mod evaluation;
mod gaussian;
mod matrix;
mod model;
mod pair;
mod plot;
mod quality;
mod rd;
mod repository;
mod strategies;
mod symbols;
mod text;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use evaluation::Settings;
use model::Model;
use text::document;

/// Measure the strategies and write the tables of `docs`.
#[derive(Parser)]
#[command(name = "cargo xtask compare", bin_name = "cargo xtask compare")]
struct Args {
    /// Checkpoint to measure: a safetensors file or a folder [default: assets/sample].
    #[arg(long, value_name = "PATH", conflicts_with = "all")]
    model: Option<PathBuf>,
    /// The sample and both models that `cargo xtask fetch` brings.
    #[arg(long)]
    all: bool,
    /// Threads to work on [default: one per core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Rate against distortion instead: docs/RATE_DISTORTION.*.
    #[arg(long)]
    rd: bool,
    /// Entropy coders instead: docs/CODERS.*.
    #[arg(long, conflicts_with_all = ["model", "all", "rd"])]
    coders: bool,
    /// Models run before and after instead: docs/QUALITY.* [default: both fetched models].
    #[arg(long, conflicts_with_all = ["rd", "coders"])]
    quality: bool,
    /// What a calibration gains instead: docs/CALIBRATION.* [default: both fetched models].
    #[arg(long, conflicts_with_all = ["rd", "coders", "quality"])]
    calibration: bool,
    /// With --calibration: a file that `hct calibrate` made for the model, and what tables call it;
    /// may be given several times. Parts of the first are left out one by one, too.
    #[arg(
        long = "calibrated-by",
        value_name = "NAME=FILE",
        requires = "calibration"
    )]
    calibrated_by: Vec<calibration::Given>,
    /// With --calibration: a file that rows are added to as they are measured, and those taken from
    /// that an interrupted sweep of the same code has left there.
    #[arg(long, value_name = "FILE", requires = "calibration")]
    journal: Option<PathBuf>,
    /// Fine-tunes coded against their bases instead: docs/DELTAS.*.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration"])]
    deltas: bool,
    /// Of the fine-tunes only these: their names in docs/DELTAS.json.
    #[arg(long, value_name = "NAME", requires = "deltas")]
    pair: Vec<String>,
    /// Leave the model-level columns out of docs/STRATEGIES.*.
    #[arg(long, conflicts_with_all = ["rd", "coders", "quality", "calibration", "deltas"])]
    no_model_quality: bool,
    #[command(flatten)]
    settings: Settings,
    /// Only rewrite Markdown and plots from the JSON files: after a change of wording.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration", "deltas"])]
    render: bool,
    /// Change nothing: fail when docs/STRATEGIES.* do not hold what the code produces on the
    /// sample, or docs/RATE_DISTORTION.md, docs/QUALITY.md, docs/CALIBRATION.md, docs/DELTAS.md
    /// and their plots not what their JSON makes.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration", "deltas", "render"])]
    check: bool,
}

fn main() -> Result<()> {
    let args = &Args::parse();
    hct_eval::keep_freed_memory();
    let threads = args.threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .context("cannot start the threads: pass a smaller --threads")?;
    pool.install(|| {
        if args.check {
            document::check::<rd::Report>()?;
            document::check::<quality::Report>()?;
            document::check::<calibration::Report>()?;
            document::check::<deltas::Report>()?;
            return strategies::check();
        }
        if args.render {
            document::render::<strategies::Tables>()?;
            document::render::<quality::Report>()?;
            document::render::<calibration::Report>()?;
            document::render::<deltas::Report>()?;
            return document::render::<rd::Report>();
        }
        if args.coders {
            return coders::run();
        }
        if args.deltas {
            return deltas::run(&args.pair, &args.settings);
        }
        if args.rd {
            return rd::run(args.model.is_none(), &models(args)?);
        }
        if args.calibration {
            let (models, journal) = (runnable_models(args)?, args.journal.as_deref());
            return calibration::run(&models, &args.calibrated_by, &args.settings, journal);
        }
        if args.quality {
            return quality::run(&runnable_models(args)?, &args.settings);
        }
        let settings = (!args.no_model_quality).then_some(&args.settings);
        strategies::run(args.model.is_none(), &models(args)?, settings)
    })
}

/// The models that the options name.
fn models(args: &Args) -> Result<Vec<Model>> {
    match (&args.model, args.all) {
        (Some(path), _) => Ok(vec![Model::at(path)?]),
        (None, false) => Ok(vec![Model::sample()?]),
        (None, true) => {
            let mut models = vec![Model::sample()?];
            models.extend(fetched_models()?);
            Ok(models)
        }
    }
}

/// The models that the options name, of those that can be run.
fn runnable_models(args: &Args) -> Result<Vec<Model>> {
    match &args.model {
        Some(path) => Ok(vec![Model::at(path)?]),
        None => fetched_models(),
    }
}

fn fetched_models() -> Result<Vec<Model>> {
    ["minilm", "smollm2"]
        .map(Model::fetched)
        .into_iter()
        .collect()
}
