//! The table of strategies: `docs/STRATEGIES.md` and `.json`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::contestant::Contestant;
use super::document::{self, Document, table};
use super::measure::{Row, Speed, measure};
use super::model::{Model, docs};
use super::quality::{Evaluator, Settings};

const MARKDOWN: &str = "STRATEGIES.md";
const JSON: &str = "STRATEGIES.json";

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
- **PPL ratio**, **KL mean**, **top-1**, **top-5**, **embedding cosine**, **Spearman**: the model in
  the measured file is run, and compared with the model as it was; [QUALITY.md](QUALITY.md) says what
  they are. Not for the sample, which is too little of a model, nor with `--no-model-quality`.
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
    /// What the model was run on, if it is one that can be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_on: Option<Settings>,
    /// One row per contestant.
    strategies: Vec<Row>,
}

/// Measures `models` and writes their sections. With `settings`, models that can be run are.
pub fn run(models: &[Model], settings: Option<&Settings>) -> Result<()> {
    let mut tables: Tables = document::read_json(&docs(JSON))?;
    let mut document = Document::read(&docs(MARKDOWN))?;
    document.set("about", ABOUT);
    for model in models {
        let measured = measure_model(model, settings)?;
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
    let (old, new) = (committed.lines()?, measure_model(&model, None)?.lines()?);
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

fn measure_model(model: &Model, settings: Option<&Settings>) -> Result<ModelTables> {
    let matrices = model.matrices()?;
    anyhow::ensure!(
        !matrices.is_empty(),
        "{} has no tensor that lossy coding suits",
        model.title()
    );
    let contestants = Contestant::of_strategies();
    let input_bytes = model.checkpoint.total_bytes();
    let style = "{prefix} {wide_bar} {bytes}/{total_bytes} {eta} {msg}";
    let bar = ProgressBar::new(input_bytes * contestants.len() as u64)
        .with_style(ProgressStyle::with_template(style)?)
        .with_prefix(model.key.clone());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_message("running it as it is");
    let evaluator = settings.map(|s| Evaluator::of(model, s)).transpose()?;
    let evaluator = evaluator.flatten();
    let mut rows = Vec::new();
    let mut matrix_weights = 0;
    for contestant in &contestants {
        let (row, tensors) = measure(model, &matrices, contestant, evaluator.as_ref(), &bar)?;
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
        run_on: evaluator.and(settings.copied()),
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
        let quality = self.strategies.iter().find_map(|row| row.quality.as_ref());
        let quality = quality.map_or_else(Vec::new, |quality| quality.summary());
        let rows: Vec<Vec<String>> = self.strategies.iter().map(|row| self.row(row)).collect();
        let threads = self.strategies.first().map_or(0, |row| row.speed.threads);
        let ratio = format!("ratio to {}", self.dtype);
        let mut head = vec![
            "strategy",
            "setting",
            "bits per weight, matrices",
            "bits per weight, file",
            &ratio,
            "cosine",
            "rel. MSE",
            "worst cosine",
        ];
        head.extend(quality.iter().map(|(name, _)| name));
        head.extend(["encode M/s", "decode M/s"]);
        let align = "ll".to_owned() + &"r".repeat(head.len() - 2);
        format!(
            "## {}\n\n{} matrices of {} weights, stored as {}. Speeds on {threads} threads.{}\n\n{}",
            self.title,
            self.matrices,
            thousands(self.matrix_weights),
            self.dtype,
            self.ran(),
            table(&align, &head, &rows)
        )
    }

    /// What the model was run on, as a sentence after others.
    fn ran(&self) -> String {
        let quality = self.strategies.iter().find_map(|row| row.quality.as_ref());
        match (self.run_on, quality) {
            (Some(settings), Some(quality)) => format!(" {}", settings.describe(quality)),
            _ => String::new(),
        }
    }

    fn row(&self, row: &Row) -> Vec<String> {
        let bits = |bytes: u64, weights: u64| format!("{:.3}", 8.0 * bytes as f64 / weights as f64);
        let mut cells = vec![
            row.strategy.clone(),
            row.setting.clone(),
            bits(row.matrix_bytes, self.matrix_weights),
            bits(row.file_bytes, self.weights),
            format!("{:.2}", self.input_bytes as f64 / row.file_bytes as f64),
            format!("{:.5}", row.cosine),
            error(row.rel_mse),
            format!("{:.5}", row.worst_cosine),
        ];
        let quality = row.quality.iter().flat_map(|quality| quality.summary());
        cells.extend(quality.map(|(_, cell)| cell));
        cells.extend([speed(row.speed.encode), speed(row.speed.decode)]);
        cells
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
