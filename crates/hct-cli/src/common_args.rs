//! Options that every subcommand has.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use clap::Args;
use hct_model::is_unprintable;
use serde::Serialize;

use crate::table::lines;

/// The same JSON without characters that terminals obey or do not show; they are within strings only.
fn escaped(json: String) -> String {
    let odd = |c: char| c != '\n' && is_unprintable(c);
    if !json.contains(odd) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if odd(c) {
            let units = &mut [0; 2];
            for unit in c.encode_utf16(units) {
                out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

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
            true => escaped(serde_json::to_string_pretty(report)? + "\n"),
            // Cells have been, but names of files are in other lines, too.
            false => lines(&table(report)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_without_what_terminals_obey() {
        let text = "a\u{9b}\u{202e}\u{2028}\u{e0041}\u{7f}\nü";
        let json = serde_json::to_string(text).unwrap();
        let shown = escaped(json);
        assert_eq!(shown, r#""a\u009b\u202e\u2028\udb40\udc41\u007f\nü""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}
