//! The table of strategies: `docs/STRATEGIES.md` and `.json`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::contestant::Contestant;
use super::document::{self, Document, table};
use super::measure::{Row, Speed, measure};
use super::model::{Model, docs};

const MARKDOWN: &str = "STRATEGIES.md";
const JSON: &str = "STRATEGIES.json";

const RETENTIONS: [f64; 8] = [0.30, 0.50, 0.60, 0.70, 0.80, 0.90, 0.98, 1.0];
const COSINES: [f64; 2] = [0.991, 0.995];

const ABOUT: &str = "# Strategies compared

Made by `cargo xtask compare` (the sample), `cargo xtask compare --model PATH` (any checkpoint) or
`cargo xtask compare --all` (the sample and both models of `cargo xtask fetch`); each section is
regenerated on its own. The same numbers in full precision are in
[STRATEGIES.json](STRATEGIES.json). `cargo xtask compare --check` recomputes the section of the
sample and fails when a size or a quality differs. Sizes and qualities do not depend on the machine
or the number of threads; speeds do, and are for information only: they were measured on a 2-core
AVX-512 machine that had other work to do.

- **bits per weight, matrices**: everything stored for the matrices (payload and records of the
  index), divided by their elements. The matrices are the tensors that lossy coding suits: floats
  of two or more dimensions with at least 4,096 elements. All other tensors are stored losslessly.
- **bits per weight, file**: the whole file, divided by the elements of all float tensors. Side
  files (configuration, tokenizer) are left out.
- **ratio**: bytes of the checkpoint's safetensors files to bytes of the HCT file; the heading
  names the type that the checkpoint stores its matrices in.
- **cosine**: cosine similarity of original and decoded weights, all matrices taken as one vector.
- **rel. MSE**: ‖W − Ŵ‖² / ‖W‖², likewise over all matrices at once.
- **worst cosine**: the least cosine of a single matrix.
- **encode**: millions of weights per second, from the mapped checkpoint to the finished file.
- **decode**: millions of weights of the matrices per second, from the file to arrays in memory.

Decoded values are rounded to the checkpoint's own type before they are compared.
";

/// Everything in `STRATEGIES.json`.
#[derive(Default, Serialize, Deserialize)]
struct Tables {
    models: BTreeMap<String, ModelTables>,
}

/// The tables of one model.
#[derive(Clone, Serialize, Deserialize)]
struct ModelTables {
    title: String,
    /// Type of the matrices.
    dtype: String,
    /// Number of matrices.
    matrices: usize,
    /// Elements of the matrices.
    matrix_weights: u64,
    /// Elements of all float tensors.
    weights: u64,
    /// Bytes of the checkpoint.
    input_bytes: u64,
    /// One row per contestant.
    strategies: Vec<Row>,
}

/// Measures `models` and writes their sections.
pub fn run(models: &[Model]) -> Result<()> {
    let mut tables: Tables = document::read_json(&docs(JSON))?;
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    for model in models {
        let measured = measure_model(model)?;
        document.set(&model.key, &measured.render());
        println!("{}", measured.render());
        tables.models.insert(model.key.clone(), measured);
    }
    document.write(&docs(MARKDOWN))?;
    document::write_json(&docs(JSON), &tables)?;
    println!("written: docs/{MARKDOWN}, docs/{JSON}");
    Ok(())
}

/// Rewrites the Markdown from the JSON.
pub fn render() -> Result<()> {
    let tables: Tables = document::read_json(&docs(JSON))?;
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    for (key, tables) in &tables.models {
        document.set(key, &tables.render());
    }
    document.write(&docs(MARKDOWN))?;
    println!("written: docs/{MARKDOWN}");
    Ok(())
}

/// Fails unless the committed documents hold what this code makes of the sample.
pub fn check() -> Result<()> {
    const ADVICE: &str = "run `cargo xtask compare`, look at the change, and commit it";
    let tables: Tables = document::read_json(&docs(JSON))?;
    let document = Document::read(&docs(MARKDOWN))?;
    let model = Model::sample()?;
    let committed = tables
        .models
        .get(&model.key)
        .with_context(|| format!("docs/{JSON} has no section for the sample; {ADVICE}"))?;
    for (key, tables) in &tables.models {
        if document.section(key) != Some(tables.render().as_str()) {
            bail!("docs/{MARKDOWN} and docs/{JSON} disagree on {key}; {ADVICE}");
        }
    }
    if document.section("about") != Some(ABOUT) {
        bail!("the definitions in docs/{MARKDOWN} are out of date; {ADVICE}");
    }
    let (old, new) = (committed.lines()?, measure_model(&model)?.lines()?);
    if old != new {
        for line in old.iter().filter(|line| !new.contains(line)) {
            eprintln!("- {line}");
        }
        for line in new.iter().filter(|line| !old.contains(line)) {
            eprintln!("+ {line}");
        }
        bail!("docs/{JSON} (-) is not what the code makes of the sample (+); {ADVICE}");
    }
    println!("docs/{MARKDOWN} and docs/{JSON} match the code");
    Ok(())
}

fn contestants() -> Vec<Contestant> {
    let uniform = RETENTIONS.into_iter().map(Contestant::uniform);
    let rdo = COSINES.into_iter().map(Contestant::rdo);
    uniform.chain(rdo).chain([Contestant::lossless()]).collect()
}

fn measure_model(model: &Model) -> Result<ModelTables> {
    let matrices = model.matrices()?;
    anyhow::ensure!(
        !matrices.is_empty(),
        "{} has no tensor that lossy coding suits",
        model.title()
    );
    let contestants = contestants();
    let input_bytes = model.checkpoint.total_bytes();
    let style = "{prefix} {wide_bar} {bytes}/{total_bytes} {eta} {msg}";
    let bar = ProgressBar::new(input_bytes * contestants.len() as u64)
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(model.key.clone());
    let mut rows = Vec::new();
    let mut matrix_weights = 0;
    for contestant in &contestants {
        let (row, tensors) = measure(model, &matrices, contestant, &bar)?;
        matrix_weights = tensors.iter().map(|t| t.weights).sum();
        rows.push(row);
    }
    bar.finish_and_clear();
    Ok(ModelTables {
        title: model.title(),
        dtype: model.dtypes(&matrices),
        matrices: matrices.len(),
        matrix_weights,
        weights: model.weights(),
        input_bytes,
        strategies: rows,
    })
}

impl ModelTables {
    /// One line of JSON per row, speeds left out.
    fn lines(&self) -> Result<Vec<String>> {
        let strategies = self.strategies.iter().map(|row| Row {
            speed: Speed::default(),
            ..row.clone()
        });
        let head = ModelTables {
            strategies: Vec::new(),
            ..self.clone()
        };
        let mut lines = vec![serde_json::to_string(&head)?];
        for row in strategies {
            lines.push(serde_json::to_string(&row)?);
        }
        Ok(lines)
    }

    fn render(&self) -> String {
        let rows: Vec<Vec<String>> = self.strategies.iter().map(|row| self.row(row)).collect();
        let threads = self.strategies.first().map_or(0, |row| row.speed.threads);
        let ratio = format!("ratio to {}", self.dtype);
        let head = [
            "strategy",
            "setting",
            "bits per weight, matrices",
            "bits per weight, file",
            &ratio,
            "cosine",
            "rel. MSE",
            "worst cosine",
            "encode M/s",
            "decode M/s",
        ];
        format!(
            "## {}\n\n{} matrices of {} weights, stored as {}. Speeds on {threads} threads.\n\n{}",
            self.title,
            self.matrices,
            thousands(self.matrix_weights),
            self.dtype,
            table("llrrrrrrrr", &head, &rows)
        )
    }

    fn row(&self, row: &Row) -> Vec<String> {
        let bits = |bytes: u64, weights: u64| format!("{:.3}", 8.0 * bytes as f64 / weights as f64);
        vec![
            row.strategy.clone(),
            row.setting.clone(),
            bits(row.matrix_bytes, self.matrix_weights),
            bits(row.file_bytes, self.weights),
            format!("{:.2}", self.input_bytes as f64 / row.file_bytes as f64),
            format!("{:.5}", row.cosine),
            error(row.rel_mse),
            format!("{:.5}", row.worst_cosine),
            speed(row.speed.encode),
            speed(row.speed.decode),
        ]
    }
}

fn error(rel_mse: f64) -> String {
    if rel_mse == 0.0 {
        "0".into()
    } else {
        format!("{rel_mse:.5}")
    }
}

/// Millions of something per second, in two digits or so.
pub fn speed(millions: f64) -> String {
    if millions < 10.0 {
        format!("{millions:.1}")
    } else {
        format!("{millions:.0}")
    }
}

/// A count with commas.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
