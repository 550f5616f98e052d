//! `cargo xtask compare`: measures the strategies and writes the tables of `docs`, as Markdown to
//! read and as JSON to compute with. One module per table; a table is made of contestants or
//! recipes, measured into plain structs, from which alone the Markdown is rendered.

mod coders;
mod contestant;
mod document;
mod measure;
mod model;
mod rd;
mod strategies;

use std::path::PathBuf;

use anyhow::{Context, Result};

use model::Model;

/// Options of `cargo xtask compare`.
#[derive(clap::Args)]
pub struct Args {
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
    /// Only rewrite Markdown and plots from the JSON files: after a change of wording.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders"])]
    render: bool,
    /// Change nothing: fail when docs/STRATEGIES.* do not hold what the code produces on the
    /// sample, or docs/RATE_DISTORTION.md and its plots not what its JSON makes.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "render"])]
    check: bool,
}

/// Measures what was asked for and writes it to `docs`.
pub fn run(args: &Args) -> Result<()> {
    let threads = args.threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .context("cannot start the threads: pass a smaller --threads")?;
    pool.install(|| {
        if args.check {
            rd::check()?;
            return strategies::check();
        }
        if args.render {
            strategies::render()?;
            return rd::render();
        }
        if args.coders {
            return coders::run();
        }
        if args.rd {
            return rd::run(args.model.is_none(), &models(args)?);
        }
        strategies::run(&models(args)?)
    })
}

/// The models that the options name.
fn models(args: &Args) -> Result<Vec<Model>> {
    match (&args.model, args.all) {
        (Some(path), _) => Ok(vec![Model::at(path)?]),
        (None, false) => Ok(vec![Model::sample()?]),
        (None, true) => {
            let mut models = vec![Model::sample()?];
            for key in ["minilm", "smollm2"] {
                models.push(Model::fetched(key)?);
            }
            Ok(models)
        }
    }
}
