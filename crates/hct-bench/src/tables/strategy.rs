//! Table 1: every strategy under both presets, held against viable `uniform` and against `rdo`.

use anyhow::{Context, Result};
use hct_strategies::Quality;
use serde::{Deserialize, Serialize};

use super::ModelReport;
use super::bench::Bench;
use super::cells::{self, bits, bits_per_weight};
use super::curve::Point;
use super::entrants::{Aim, RETENTION, entrants, importance, uniform};
use super::solve::just_below_zero;
use super::verdict::verdict;
use crate::document::table;
use crate::measure::{Row, TensorRow};
use crate::strategies::speed;

/// A row of the strategy table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyRow {
    /// What it is after.
    pub aim: Aim,
    /// What came of it.
    #[serde(flatten)]
    pub row: Row,
}

/// Measured rows, and the tensors of those that other tables look into.
pub struct Measured {
    /// The rows, in the order of the table.
    pub rows: Vec<StrategyRow>,
    /// The matrices of viable `svd`.
    pub svd: Vec<TensorRow>,
    /// The matrices of `rdo` at the cosine of the reference.
    pub rdo: Vec<TensorRow>,
    /// The matrices of the reference.
    pub reference: Vec<TensorRow>,
    /// The base quality of viable `importance`.
    pub importance_base: f64,
}

impl Measured {
    /// Bytes and cosines of the `rdo` rows.
    pub fn points(&self) -> Vec<Point> {
        let rows = self.rows.iter().filter(|r| r.row.strategy == "rdo");
        rows.map(|r| Point {
            matrix_bytes: r.row.matrix_bytes,
            cosine: r.row.cosine,
        })
        .collect()
    }
}

/// Measures the table.
pub fn measure(bench: &Bench<'_>) -> Result<Measured> {
    let (row, reference) = bench.measure_and_run(&uniform(RETENTION))?;
    let cosine = row.cosine;
    let mut measured = Measured {
        rows: Vec::new(),
        svd: Vec::new(),
        rdo: Vec::new(),
        reference,
        importance_base: solve_importance(bench, cosine)?,
    };
    let mut uniform_row = Some(StrategyRow {
        aim: Aim::Reference,
        row,
    });
    for entrant in entrants(bench.model, cosine) {
        let aim = entrant.aim;
        let (row, tensors) = bench.measure_and_run(&entrant.contestant)?;
        match (row.strategy.as_str(), aim) {
            ("svd", Aim::Equal) => measured.svd = tensors,
            ("rdo", Aim::Equal) => measured.rdo = tensors,
            _ => {}
        }
        let after_classic_importance = row.strategy == "importance";
        measured.rows.push(StrategyRow { aim, row });
        // The first row is classic `uniform`.
        measured.rows.extend(uniform_row.take());
        if after_classic_importance {
            let contestant = importance(measured.importance_base);
            let (row, _) = bench.measure_and_run(&contestant)?;
            measured.rows.push(StrategyRow {
                aim: Aim::Equal,
                row,
            });
        }
    }
    Ok(measured)
}

/// The base quality at which `importance` just reaches `cosine` over all matrices.
fn solve_importance(bench: &Bench<'_>, cosine: f64) -> Result<f64> {
    let goal = 1.0 - cosine * cosine;
    just_below_zero(libm::log(goal), 1.0, 0.004, |log_error| {
        let base = base_cosine(log_error);
        let (row, _) = bench.measure(&importance(base))?;
        Ok((libm::log((1.0 - row.cosine * row.cosine) / goal), base))
    })
    .with_context(|| format!("importance at {:?}", Quality::Cosine(cosine)))
}

/// The cosine of a relative error, in the digits that the table shows.
pub fn base_cosine(log_error: f64) -> f64 {
    ((1.0 - libm::exp(log_error)).sqrt() * 1e6).round() / 1e6
}

/// The reference among `rows`.
pub fn reference(rows: &[StrategyRow]) -> Option<&StrategyRow> {
    rows.iter().find(|row| row.aim == Aim::Reference)
}

/// Renders the table.
pub fn render(report: &ModelReport) -> String {
    let rows = &report.strategies;
    let quality = rows.iter().find_map(|row| row.row.quality.as_ref());
    let quality = quality.map_or_else(Vec::new, |quality| quality.summary());
    let threads = rows.first().map_or(0, |row| row.row.speed.threads);
    let ratio = format!("ratio to {}", report.dtype);
    let mut head = vec![
        "strategy",
        "preset",
        "setting",
        "bits per weight, matrices",
        "bits per weight, file",
        &ratio,
        "against `rdo`, bits",
        "cosine",
        "rel. MSE",
        "worst tensor",
        "worst row",
    ];
    head.extend(quality.iter().map(|(name, _)| name));
    head.extend(["encode M/s", "decode M/s", "verdict"]);
    let align = "lll".to_owned() + &"r".repeat(head.len() - 4) + "l";
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row_cells(row, report)).collect();
    let worst: Vec<Vec<String>> = rows
        .iter()
        .filter(|row| row.row.rel_mse > 0.0)
        .map(worst)
        .collect();
    format!(
        "### Strategies\n\nSpeeds on {threads} threads.\n\n{}\n\
         <details><summary>The worst tensor of each row</summary>\n\n{}\n</details>\n",
        table(&align, &head, &cells),
        table(
            "llllr",
            &["strategy", "preset", "setting", "tensor", "cosine"],
            &worst
        ),
    )
}

fn worst(row: &StrategyRow) -> Vec<String> {
    let row = &row.row;
    vec![
        cells::strategy(row),
        cells::preset(row),
        row.setting.clone(),
        cells::code(&row.worst_tensor),
        cells::cosine(row.worst_cosine),
    ]
}

fn row_cells(entry: &StrategyRow, report: &ModelReport) -> Vec<String> {
    let row = &entry.row;
    let weights = report.matrix_weights;
    let own = bits_per_weight(row.matrix_bytes, weights);
    let against = match row.rel_mse > 0.0 {
        true => report.curve.bits_at(row.cosine, weights),
        false => None,
    };
    let mut cells = vec![
        cells::strategy(row),
        cells::preset(row),
        row.setting.clone(),
        bits(row.matrix_bytes, weights),
        bits(row.file_bytes, report.weights),
        format!("{:.2}", report.input_bytes as f64 / row.file_bytes as f64),
        against.map_or("–".into(), |rdo| format!("{:+.3}", own - rdo)),
        cells::cosine(row.cosine),
        cells::error(row.rel_mse),
        cells::cosine(row.worst_cosine),
        cells::optional_cosine(row.worst_row),
    ];
    let quality = row.quality.iter().flat_map(|quality| quality.summary());
    cells.extend(quality.map(|(_, cell)| cell));
    let judged = reference(&report.strategies).map(|r| verdict(entry, r, weights));
    cells.extend([
        speed(row.speed.encode),
        speed(row.speed.decode),
        judged.unwrap_or_default(),
    ]);
    cells
}
