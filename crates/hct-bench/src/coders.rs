//! Entropy coders compared: `docs/CODERS.md` and `.json`.

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::contestant::{Ans, Contestant, Pco, Range, Rans, Zstd, fastest};
use crate::repository::docs;
use crate::speed::Machine;
use crate::symbols::Symbols;
use crate::text::cells::{millions, speed};
use crate::text::document::{self, Document};
use crate::text::table::table;

const MARKDOWN: &str = "CODERS.md";
const JSON: &str = "CODERS.json";

/// Quantizer steps, in standard deviations, and the entropies they give, about.
const STEPS: [f64; 2] = [0.5166, 1.045];
/// The fastest of so many runs counts.
const RUNS: usize = 7;

const ABOUT: &str = "# Entropy coders compared

Made by `cargo xtask compare --coders`, in full precision in [CODERS.json](CODERS.json). The input
is 2²⁰ independent Gaussian samples rounded to multiples of a step, which is what a tile of scalar
quantized weights in one context looks like. Every coder has one static model of them, or whatever
it makes of them by itself.

- **bits per symbol** counts streams and tables (for `constriction`, which leaves storing the table
  to its user, 16 or 24 bits per entry).
- **over entropy** is against the empirical entropy of the very symbols.
- **encode** and **decode**: millions of symbols per second on one core, the fastest of 7 runs; tables are
  built within. Of the machine that is named, on one day; no test looks at them.

Our rANS coder is no public interface of `hct-core`. It is driven through the scalar quantizer (one
state, one class, λ = 0, a step at which every integer is a reproduction point), so its times
include quantizing, counting, checksums, and converting symbols to F32 weights; the coder alone is
faster. It is the only one here with many contexts and an escape path for magnitudes without limit.
";

#[derive(Serialize)]
struct Row {
    coder: String,
    bits: f64,
    encode: f64,
    decode: f64,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    contests: Vec<Contest>,
}

#[derive(Serialize)]
struct Contest {
    step: f64,
    symbols: usize,
    entropy: f64,
    coders: Vec<Row>,
}

/// Compares the coders and writes the documents.
pub fn run() -> Result<()> {
    let coders: [&dyn Contestant<Symbols>; 6] = [&Rans, &Ans, &Range, &Pco, &Zstd(3), &Zstd(19)];
    let bar = ProgressBar::new((STEPS.len() * coders.len()) as u64);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut report = Report {
        machine: Machine::here(),
        contests: Vec::new(),
    };
    for step in STEPS {
        let symbols = Symbols::gaussian(step);
        let mut rows = Vec::new();
        for coder in coders {
            let name = coder.label().name;
            bar.set_message(name.clone());
            let row = pool.install(|| measure(coder, &symbols));
            rows.push(row.context(name)?);
            bar.inc(1);
        }
        report.contests.push(Contest {
            step,
            symbols: symbols.values.len(),
            entropy: symbols.entropy(),
            coders: rows,
        });
    }
    bar.finish_and_clear();
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    let mut sections = vec![format!("{}\n", report.machine.describe())];
    sections.extend(report.contests.iter().map(render));
    document.set("coders", &sections.join("\n"));
    println!("{}", sections.join("\n"));
    document.write(&docs(MARKDOWN))?;
    document::write_json(&docs(JSON), &report)
}

fn measure(coder: &dyn Contestant<Symbols>, symbols: &Symbols) -> Result<Row> {
    let mut counted = 0;
    let times = fastest(coder, symbols, RUNS, |coded, decoded| {
        ensure!(*decoded == symbols.values, "the symbols came back changed");
        counted = coded.counted;
        Ok(())
    })?;
    let n = symbols.values.len();
    Ok(Row {
        coder: coder.label().name,
        bits: 8.0 * counted as f64 / n as f64,
        encode: millions(n as u64, times.encode),
        decode: millions(n as u64, times.decode),
    })
}

fn render(contest: &Contest) -> String {
    let rows: Vec<Vec<String>> = contest
        .coders
        .iter()
        .map(|row| {
            vec![
                row.coder.clone(),
                format!("{:.4}", row.bits),
                format!("{:+.4}", row.bits - contest.entropy),
                speed(row.encode),
                speed(row.decode),
            ]
        })
        .collect();
    let head = [
        "coder",
        "bits per symbol",
        "over entropy",
        "encode M/s",
        "decode M/s",
    ];
    format!(
        "## Entropy {:.4} bits: a step of {} standard deviations\n\n{}",
        contest.entropy,
        contest.step,
        table("lrrrr", &head, &rows)
    )
}
