//! The subcommands, one module each.

#[cfg(feature = "eval")]
mod calibrate;
mod compress;
mod decompress;
mod dedup;
mod diff;
#[cfg(feature = "eval")]
mod eval;
mod export;
mod extract;
#[cfg(feature = "eval")]
mod generate;
mod info;
mod merge;
mod plan;
mod recover;
mod split;
#[cfg(feature = "eval")]
mod tune;
mod verify;

use clap::Subcommand;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    Compress(Box<compress::Compress>),
    #[cfg(feature = "eval")]
    Calibrate(calibrate::Calibrate),
    #[cfg(feature = "eval")]
    Tune(tune::Tune),
    Plan(Box<plan::Plan>),
    Decompress(decompress::Decompress),
    Extract(extract::Extract),
    Export(export::Export),
    Info(info::Info),
    Diff(diff::Diff),
    Dedup(dedup::Dedup),
    Verify(verify::Verify),
    Recover(recover::Recover),
    Merge(merge::Merge),
    Split(split::Split),
    #[cfg(feature = "eval")]
    Eval(eval::Eval),
    #[cfg(feature = "eval")]
    Generate(generate::Generate),
}

impl Command {
    /// Does it.
    pub fn run(&self) -> anyhow::Result<()> {
        match self {
            Command::Compress(command) => command.run(),
            #[cfg(feature = "eval")]
            Command::Calibrate(command) => command.run(),
            #[cfg(feature = "eval")]
            Command::Tune(command) => command.run(),
            Command::Plan(command) => command.run(),
            Command::Decompress(command) => command.run(),
            Command::Extract(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Info(command) => command.run(),
            Command::Diff(command) => command.run(),
            Command::Dedup(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Recover(command) => command.run(),
            Command::Merge(command) => command.run(),
            Command::Split(command) => command.run(),
            #[cfg(feature = "eval")]
            Command::Eval(command) => command.run(),
            #[cfg(feature = "eval")]
            Command::Generate(command) => command.run(),
        }
    }
}
