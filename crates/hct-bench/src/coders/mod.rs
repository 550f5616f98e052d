//! Entropy coders compared: `docs/CODERS.md` and `.json`.

mod constriction;
mod ours;
mod pco;
mod zstd;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::Serialize;

use super::document::{self, Document, table};
use super::model::docs;
use super::rd::standard_gaussian;
use super::strategies::speed;

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
- **encode** and **decode**: millions of symbols per second on one core, the fastest of 7 runs on a
  2-core AVX-512 machine that had other work to do; tables are built within. For information only.

Our rANS coder is no public interface of `hct-core`. It is driven through the scalar quantizer (one
state, one class, λ = 0, a step at which every integer is a reproduction point), so its times
include quantizing, counting, checksums, and converting symbols to F32 weights; the coder alone is
faster. It is the only one here with many contexts and an escape path for magnitudes without limit.
";

/// What is coded.
pub struct Symbols {
    /// The integers.
    pub values: Vec<i32>,
    /// The least of them.
    pub min: i32,
}

impl Symbols {
    fn gaussian(step: f64) -> Symbols {
        let values: Vec<i32> = standard_gaussian(1 << 20)
            .iter()
            .map(|&v| libm::round(f64::from(v) / step) as i32)
            .collect();
        let min = values.iter().copied().min().unwrap_or(0);
        Symbols { values, min }
    }

    /// Number of integers from the least to the greatest.
    pub fn alphabet(&self) -> usize {
        let max = self.values.iter().copied().max().unwrap_or(self.min);
        (max - self.min) as usize + 1
    }

    /// How often each occurs.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.alphabet()];
        self.indices().for_each(|i| counts[i] += 1);
        counts
    }

    /// The integers counted from the least.
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.values.iter().map(|&v| (v - self.min) as usize)
    }

    fn entropy(&self) -> f64 {
        let n = self.values.len() as f64;
        let counts = self.counts().into_iter().filter(|&c| c > 0);
        counts
            .map(|c| -(c as f64 / n) * libm::log2(c as f64 / n))
            .sum()
    }
}

/// Coded symbols.
pub struct Coded {
    /// What the decoder gets.
    pub bytes: Vec<u8>,
    /// Bytes that count for the rate.
    pub counted: usize,
}

impl Coded {
    /// All of `bytes` count.
    pub fn all(bytes: Vec<u8>) -> Coded {
        let counted = bytes.len();
        Coded { bytes, counted }
    }
}

/// An entropy coder.
pub trait Coder: Sync {
    /// What tables call it.
    fn name(&self) -> &'static str;

    /// Codes the symbols, model building included.
    fn encode(&self, symbols: &Symbols) -> Result<Coded>;

    /// Decodes them; `like` are the symbols themselves, to make tables from where the library
    /// leaves sending them to its user.
    fn decode(&self, coded: &Coded, like: &Symbols) -> Result<Vec<i32>>;
}

#[derive(Serialize)]
struct Row {
    coder: &'static str,
    bits: f64,
    encode: f64,
    decode: f64,
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
    let coders: [&dyn Coder; 6] = [
        &ours::Ours,
        &constriction::Ans,
        &constriction::Range,
        &pco::Pco,
        &zstd::Zstd(3),
        &zstd::Zstd(19),
    ];
    let bar = ProgressBar::new((STEPS.len() * coders.len()) as u64);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut contests = Vec::new();
    for step in STEPS {
        let symbols = Symbols::gaussian(step);
        let mut rows = Vec::new();
        for coder in coders {
            bar.set_message(coder.name());
            let row = measure(coder, &symbols, &pool);
            rows.push(row.with_context(|| coder.name())?);
            bar.inc(1);
        }
        contests.push(Contest {
            step,
            symbols: symbols.values.len(),
            entropy: symbols.entropy(),
            coders: rows,
        });
    }
    bar.finish_and_clear();
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    let sections: Vec<String> = contests.iter().map(render).collect();
    document.set("coders", &sections.join("\n"));
    println!("{}", sections.join("\n"));
    document.write(&docs(MARKDOWN))?;
    document::write_json(&docs(JSON), &contests)
}

fn measure(coder: &dyn Coder, symbols: &Symbols, pool: &rayon::ThreadPool) -> Result<Row> {
    let n = symbols.values.len() as f64;
    let (mut encode, mut decode) = (Duration::MAX, Duration::MAX);
    let mut counted = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        let coded = pool.install(|| coder.encode(symbols))?;
        encode = encode.min(start.elapsed());
        let start = Instant::now();
        let decoded = pool.install(|| coder.decode(&coded, symbols))?;
        decode = decode.min(start.elapsed());
        ensure!(decoded == symbols.values, "the symbols came back changed");
        counted = coded.counted;
    }
    Ok(Row {
        coder: coder.name(),
        bits: 8.0 * counted as f64 / n,
        encode: n / 1e6 / encode.as_secs_f64(),
        decode: n / 1e6 / decode.as_secs_f64(),
    })
}

fn render(contest: &Contest) -> String {
    let rows: Vec<Vec<String>> = contest
        .coders
        .iter()
        .map(|row| {
            vec![
                row.coder.to_owned(),
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
