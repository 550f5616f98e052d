//! Table 1: every strategy under both presets, held against viable `uniform` and against `rdo`.

use anyhow::{Context, Result};
use hct_strategies::Quality;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::curve::Point;
use super::entrants::{Aim, RETENTION, entrants, importance, uniform};
use super::solve::just_below_zero;
use crate::comparison::{Row, TensorRow};

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

/// Measures the rows of some strategies again, in place of those in `rows`.
pub fn measure_again(bench: &Bench<'_>, rows: &mut [StrategyRow], only: &[String]) -> Result<()> {
    let cosine = reference(rows).context("no reference row")?.row.cosine;
    let entrants = entrants(bench.model, cosine).into_iter();
    let wanted = entrants.filter(|entrant| only.contains(&entrant.contestant.label().name));
    for entrant in wanted {
        let (row, _) = bench.measure_and_run(&entrant.contestant)?;
        let same = |old: &Row| {
            (&old.strategy, &old.preset, &old.setting) == (&row.strategy, &row.preset, &row.setting)
        };
        let old = rows.iter_mut().find(|old| same(&old.row));
        let old = old.with_context(|| format!("no row of {} {}", row.strategy, row.setting))?;
        old.row = row;
    }
    Ok(())
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
