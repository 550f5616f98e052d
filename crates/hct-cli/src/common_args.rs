//! Options that every subcommand has.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

/// Output form and threads.
#[derive(Args)]
pub struct CommonArgs {
    /// Print one JSON object instead of tables; numbers that are not finite are null
    #[arg(long)]
    json: bool,
    /// Threads to use [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl CommonArgs {
    /// Sets up the threads. To be called once, before any parallel work.
    pub fn start(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.into())
                .build_global()
                .context("cannot start the threads; try fewer --threads")?;
        }
        Ok(())
    }

    /// Prints `report` as JSON, or what `table` makes of it.
    pub fn print<T: Serialize>(
        &self,
        report: &T,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let text = self.text(report, table)?;
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads, such as `head`, has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.context("cannot write to standard output"),
        }
    }

    /// The same to standard error, where standard output has something else.
    pub fn print_beside_output<T: Serialize>(
        &self,
        report: &T,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        eprint!("{}", self.text(report, table)?);
        Ok(())
    }

    fn text<T: Serialize>(
        &self,
        report: &T,
        table: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<String> {
        Ok(match self.json {
            true => serde_json::to_string_pretty(report)? + "\n",
            false => table(report),
        })
    }
}
