//! What grows with a checkpoint: `docs/SCALE.md` and `.json`, made by `cargo xtask scale`.

mod about;
mod alike_section;
mod checkpoint;
mod child;
mod index_estimate;
mod large_section;
mod measure;
mod model_section;
mod plan;
mod report;
mod requests;
mod requests_section;
mod server;
#[cfg(test)]
mod tests;
mod weights;

pub use report::Report;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use hct_model::TensorInfo;

use crate::text::document;
use child::Hct;
use plan::Plan;
use report::{Kind, Setting};

/// The first argument that asks for this.
pub const COMMAND: &str = "scale";

/// Weights of each of many small tensors, an 8 × 8 matrix.
const SMALL: u64 = 64;

/// Measure `hct` on synthetic checkpoints and write docs/SCALE.*.
#[derive(Parser)]
#[command(name = "cargo xtask scale", bin_name = "cargo xtask scale")]
struct Args {
    /// A mixture of experts of about so many GiB; the disk takes about twice that for a while.
    #[arg(long, value_name = "N")]
    gib: Option<f64>,
    /// So many tensors that are all alike, of 64 weights each unless --shape says another.
    #[arg(long, value_name = "N")]
    tensors: Option<u64>,
    /// Rows and columns of each of --tensors.
    #[arg(long, value_name = "ROWSxCOLUMNS", requires = "tensors", value_parser = shape)]
    shape: Option<[u64; 2]>,
    /// Ways of coding.
    #[arg(long, value_enum, default_values = ["default"])]
    setting: Vec<Setting>,
    /// What is transferred of a file of a checkpoint of so many GiB at a URL; takes an `hct` built
    /// with the feature `remote`, as that of `cargo xtask scale` is.
    #[arg(long, value_name = "GIB")]
    requests: Option<f64>,
    /// The tool [default: beside this program].
    #[arg(long, value_name = "PATH")]
    hct: Option<PathBuf>,
    /// Where to make checkpoints, which are removed again [default: the system's folder of temporary
    /// files].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Only rewrite Markdown from JSON.
    #[arg(long)]
    render: bool,
    /// Change nothing: fail when the Markdown is not what the JSON makes.
    #[arg(long)]
    check: bool,
}

/// Measures what the arguments say; the first of them is [`COMMAND`].
pub fn run(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let args = Args::parse_from(arguments);
    if args.check {
        return document::check::<Report>();
    }
    if args.render {
        return document::render::<Report>();
    }
    let asked = [args.gib, args.requests].iter().any(Option::is_some);
    ensure!(
        asked || args.tensors.is_some(),
        "say what to measure: --gib N, --tensors N or --requests GIB"
    );
    let hct = Hct::at(args.hct.as_deref())?;
    let folder = args.folder.clone().unwrap_or_else(env::temp_dir);
    for (kind, tensors) in args.checkpoints() {
        for &setting in &args.setting {
            let row = measure::measure(&hct, &folder, kind, tensors.clone(), setting)?;
            document::update(|report: &mut Report| report.put(row))?;
        }
    }
    if let Some(size) = args.requests {
        let measured = requests::measure(&hct, &folder, gib(size))?;
        document::update(|report: &mut Report| report.requests = Some(measured))?;
    }
    Ok(())
}

impl Args {
    /// The checkpoints to code.
    fn checkpoints(&self) -> Vec<(Kind, Vec<TensorInfo>)> {
        let model = self.gib.map(|size| Plan::about(gib(size)).tensors());
        let alike = self.tensors.map(|count| {
            let shape = self.shape.unwrap_or([8, SMALL / 8]);
            plan::many(count, &shape)
        });
        let model = model.map(|tensors| (Kind::Model, tensors));
        model
            .into_iter()
            .chain(alike.map(|tensors| (Kind::Alike, tensors)))
            .collect()
    }
}

fn gib(count: f64) -> u64 {
    (count * f64::from(1 << 30)) as u64
}

fn shape(text: &str) -> Result<[u64; 2], String> {
    let numbers = text
        .split_once('x')
        .and_then(|(rows, cols)| Some([rows.parse().ok()?, cols.parse().ok()?]));
    numbers.ok_or_else(|| format!("`{text}` is not like 8x8"))
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "SCALE.md";
    const JSON: &'static str = "SCALE.json";

    fn sections(&self) -> Vec<(String, String)> {
        let parts = [
            ("about", Some(about::ABOUT.to_owned())),
            ("model", model_section::render(self)),
            ("large", large_section::render(self)),
            ("alike", alike_section::render(self)),
            (
                "requests",
                self.requests.as_ref().map(requests_section::render),
            ),
        ];
        let parts = parts.into_iter();
        parts
            .filter_map(|(key, section)| Some((key.to_owned(), section?)))
            .collect()
    }
}
