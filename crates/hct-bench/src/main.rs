//! `cargo xtask compare`, `cargo xtask bench` and `cargo xtask scale`: measures the strategies, the speed of
//! codecs and what large checkpoints take, and writes the tables of `docs`, as Markdown to read and as JSON to compute with. One module per table; a table is made of contestants or
//! recipes, measured into plain structs, from which alone the Markdown is rendered.

mod calibration;
mod coders;
mod comparison;
mod contestant;
mod deltas;
mod evaluation;
mod gaussian;
mod gguf;
mod given;
mod matrix;
mod model;
mod pair;
mod plot;
mod quality;
mod rd;
mod repository;
mod scale;
mod speed;
mod split_mix;
mod strategies;
mod symbols;
mod text;
mod weights;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use evaluation::Settings;
use given::Given;
use model::Model;
use quality::{ModelReport, Sweep};
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
    /// With --quality and --calibration: a file that `hct calibrate` made for the model, and what
    /// tables call it; may be given several times. With --calibration parts of the first are left
    /// out one by one, too.
    #[arg(
        long = "calibrated-by",
        value_name = "NAME=FILE",
        conflicts_with_all = ["rd", "coders", "deltas", "render", "check"]
    )]
    calibrated_by: Vec<Given>,
    /// With --calibration: measure no calibration without parts of it, which takes nine files more.
    #[arg(long, requires = "calibration")]
    no_ablation: bool,
    /// With --quality and --calibration: a file that rows are added to as they are measured, and
    /// those taken from that an interrupted sweep of the same code, or the other one, has left there.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["rd", "coders", "deltas", "render", "check"]
    )]
    journal: Option<PathBuf>,
    /// With --quality and --calibration: rows that either document has of the same model and settings
    /// are kept, not measured again. For a sweep that goes on after a change that moves no figure.
    #[arg(long, conflicts_with_all = ["rd", "coders", "deltas", "render", "check"])]
    keep: bool,
    /// With --journal or --keep: write the sections of what has been measured so far, and measure
    /// nothing.
    #[arg(long)]
    measured_only: bool,
    /// Fine-tunes coded against their bases instead: docs/DELTAS.*.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration"])]
    deltas: bool,
    /// Of the fine-tunes only these: their names in docs/DELTAS.json.
    #[arg(long, value_name = "NAME", requires = "deltas")]
    pair: Vec<String>,
    /// Of what fine-tunes are measured with only what is lossless, all else kept: after a change
    /// that moves nothing else.
    #[arg(long, requires = "deltas")]
    exact: bool,
    /// Leave the model-level columns out of docs/STRATEGIES.*.
    #[arg(long, conflicts_with_all = ["rd", "coders", "quality", "calibration", "deltas"])]
    no_model_quality: bool,
    /// Of the strategies of docs/STRATEGIES.* only these, all other rows kept: after a change that
    /// moves no others. Not with the low-rank matrix.
    #[arg(
        long,
        value_name = "STRATEGY",
        conflicts_with_all = ["rd", "coders", "quality", "calibration", "deltas", "gguf", "render", "check"]
    )]
    only: Vec<String>,
    #[command(flatten)]
    settings: Settings,
    /// Block-quantized weights instead: docs/GGUF.md, of MiniLM quantized and of these GGUF files.
    #[arg(long, value_name = "FILE", num_args = 0.., conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration", "deltas"])]
    gguf: Option<Vec<PathBuf>>,
    /// Only rewrite Markdown and plots from the JSON files: after a change of wording.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration", "deltas"])]
    render: bool,
    /// Change nothing: fail when docs/STRATEGIES.* do not hold what the code produces on the
    /// sample, or docs/RATE_DISTORTION.md, docs/QUALITY.md, docs/CALIBRATION.md, docs/DELTAS.md,
    /// docs/BENCHMARKS.md and their plots not what their JSON makes.
    #[arg(long, conflicts_with_all = ["model", "all", "rd", "coders", "quality", "calibration", "deltas", "render"])]
    check: bool,
}

fn main() -> Result<()> {
    hct_eval::keep_freed_memory();
    let first = env::args_os().nth(1).unwrap_or_default();
    if first == speed::WORKER {
        return speed::work();
    }
    if first == speed::COMMAND {
        return speed::run(env::args_os().skip(1));
    }
    if first == scale::COMMAND {
        return scale::run(env::args_os().skip(1));
    }
    let args = &Args::parse();
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
            document::check::<speed::Report>()?;
            document::check::<scale::Report>()?;
            return strategies::check();
        }
        if args.render {
            document::render::<strategies::Tables>()?;
            document::render::<quality::Report>()?;
            document::render::<calibration::Report>()?;
            document::render::<deltas::Report>()?;
            document::render::<speed::Report>()?;
            document::render::<scale::Report>()?;
            return document::render::<rd::Report>();
        }
        if args.coders {
            return coders::run();
        }
        if let Some(files) = &args.gguf {
            return gguf::run(files);
        }
        if args.deltas {
            return deltas::run(&args.pair, &args.settings, args.exact);
        }
        if args.rd {
            return rd::run(args.model.is_none(), &models(args)?);
        }
        if args.calibration {
            return calibration::run(&sweep(args)?, !args.no_ablation);
        }
        if args.quality {
            return quality::run(&sweep(args)?);
        }
        ensure!(
            args.calibrated_by.is_empty() && args.journal.is_none() && !args.keep,
            "--calibrated-by, --journal and --keep go with --quality or --calibration"
        );
        let settings = (!args.no_model_quality).then_some(&args.settings);
        let with_matrices = args.model.is_none() && args.only.is_empty();
        strategies::run(with_matrices, &models(args)?, settings, &args.only)
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

/// The models that the options name, of those that can be run, and what goes with them.
fn sweep(args: &Args) -> Result<Sweep> {
    ensure!(
        !args.measured_only || args.keep || args.journal.is_some(),
        "--measured-only goes with --journal or --keep, which have what was measured"
    );
    let models = runnable_models(args)?;
    ensure!(
        models.len() == 1 || (args.calibrated_by.is_empty() && args.journal.is_none()),
        "a calibration and a journal are of one model: say which with --model"
    );
    Ok(Sweep {
        models,
        given: args.calibrated_by.clone(),
        settings: args.settings,
        journal: args.journal.clone(),
        kept: match args.keep {
            true => kept_rows()?,
            false => BTreeMap::new(),
        },
        measures: !args.measured_only,
    })
}

/// The rows that the documents have, by model.
fn kept_rows() -> Result<BTreeMap<String, Vec<ModelReport>>> {
    let mut kept: BTreeMap<String, Vec<ModelReport>> = BTreeMap::new();
    for (key, report) in document::load::<quality::Report>()?.models {
        kept.entry(key).or_default().push(report);
    }
    for (key, section) in document::load::<calibration::Report>()?.models {
        kept.entry(key).or_default().extend(section.into_reports());
    }
    Ok(kept)
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
