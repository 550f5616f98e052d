//! Speed beside others: `docs/BENCHMARKS.md` and `.json`, made by `cargo xtask bench`.

mod about;
mod child;
mod coders;
mod coders_section;
mod entrants;
mod lane;
mod machine;
mod order;
mod peak;
mod report;
mod sizes;
mod sizes_section;
mod spread;
mod stage;
mod stages;
mod stages_section;
mod tensors;
#[cfg(test)]
mod tests;
mod timed;
mod tool;
mod tool_section;
mod worker;
mod zipnn;

pub use child::{Ended, hct_beside, size};
pub use lane::WORKER;
pub use machine::Machine;
pub use report::Report;
pub use worker::work;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use crate::text::document;

/// The first argument that asks for this.
pub const COMMAND: &str = "bench";

/// Measure speeds beside those of others and write docs/BENCHMARKS.*.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Args {
    /// Coders on the same weights, and nothing else.
    #[arg(long, conflicts_with_all = ["sizes", "checkpoint"])]
    coders: bool,
    /// What a weight costs by size, and nothing else.
    #[arg(long, conflicts_with = "checkpoint")]
    sizes: bool,
    /// Where the time of coding goes, and nothing else.
    #[arg(long, conflicts_with_all = ["coders", "sizes", "checkpoint"])]
    stages: bool,
    /// The tool on this checkpoint, and nothing else: `--tool` makes one.
    #[arg(long, value_name = "DIR", hide = true)]
    checkpoint: Option<PathBuf>,
    /// Rounds, of which the medians count [default: 7, by size and of the tool 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Begin no further round of the coders after so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    budget: u64,
    /// Only coders whose names hold this, and zstd −3: printed, not written.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["sizes", "checkpoint"])]
    only: Option<String>,
}

/// Measures what the arguments say; the first of them is [`COMMAND`].
pub fn run(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let args = Args::parse_from(arguments);
    let rounds = |default| args.rounds.map_or(default, usize::from);
    let budget = Duration::from_secs(args.budget);
    if let Some(only) = &args.only {
        let measured = coders::measure(only, rounds(7), budget)?;
        print!("{}", coders_section::render(&measured));
        return Ok(());
    }
    if let Some(checkpoint) = &args.checkpoint {
        let measured = tool::measure(checkpoint, rounds(3))?;
        print!("{}", tool_section::render(&measured));
        return document::update(|report: &mut Report| report.tool = Some(measured));
    }
    if !args.sizes && !args.stages {
        let measured = coders::measure("", rounds(7), budget)?;
        print!("{}", coders_section::render(&measured));
        document::update(|report: &mut Report| report.coders = Some(measured))?;
    }
    if !args.coders && !args.sizes {
        let measured = stages::measure(rounds(7))?;
        print!("{}", stages_section::render(&measured));
        document::update(|report: &mut Report| report.stages = Some(measured))?;
    }
    if !args.coders && !args.stages {
        let measured = sizes::measure(rounds(3))?;
        print!("{}", sizes_section::render(&measured));
        document::update(|report: &mut Report| report.sizes = Some(measured))?;
    }
    Ok(())
}

impl document::Report for Report {
    const MARKDOWN: &'static str = "BENCHMARKS.md";
    const JSON: &'static str = "BENCHMARKS.json";

    fn sections(&self) -> Vec<(String, String)> {
        let parts = [
            ("about", Some(about::ABOUT.to_owned())),
            ("coders", self.coders.as_ref().map(coders_section::render)),
            ("stages", self.stages.as_ref().map(stages_section::render)),
            ("sizes", self.sizes.as_ref().map(sizes_section::render)),
            ("tool", self.tool.as_ref().map(tool_section::render)),
        ];
        let parts = parts.into_iter();
        parts
            .filter_map(|(key, section)| Some((key.to_owned(), section?)))
            .collect()
    }
}
