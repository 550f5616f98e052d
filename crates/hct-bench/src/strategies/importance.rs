//! Table 2: `importance` against `uniform` at equal bits, and what steering costs.

use anyhow::{Context, Result};
use hct_core::RowComparison;
use hct_model::TensorSource;
use hct_strategies::{Coded, ImportanceMap, Quality, RdoEncoder, Role, Strategy, TensorView, role};
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::entrants::{Aim, importance, rdo};
use super::solve::just_below_zero;
use super::strategy::{Measured, base_cosine};
use crate::comparison::TensorRow;
use crate::contestant::Ours;
use crate::text::cells::{self, bits, bits_per_weight};
use crate::text::table::table;

/// Codings of equal size, and what steering costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportanceTable {
    /// One row per coding.
    pub rows: Vec<ImportanceRow>,
    /// Bytes of the matrices by viable `importance` at the cosine of viable `uniform`.
    pub steered_bytes: u64,
    /// Bytes that the engine takes for the same qualities tensor by tensor, no strategy around it.
    pub engine_bytes: u64,
}

/// One coding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportanceRow {
    /// Strategy and setting.
    pub name: String,
    /// Bytes of the matrices.
    pub matrix_bytes: u64,
    /// Cosine over all matrices.
    pub cosine: f64,
    /// By what the tensors do.
    pub roles: Vec<RolePart>,
}

/// The tensors that do the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolePart {
    /// What they do.
    pub group: String,
    /// Their elements.
    pub weights: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cosine over them.
    pub cosine: f64,
}

const GROUPS: [&str; 5] = [
    "embeddings, heads",
    "query, key",
    "value, output",
    "MLP",
    "other",
];

fn group(name: &str) -> usize {
    match role(name) {
        Role::Embedding | Role::Head => 0,
        Role::Query | Role::Key | Role::QueryKeyValue => 1,
        Role::Value | Role::Output => 2,
        Role::Mlp => 3,
        _ => 4,
    }
}

/// The engine at the quality that a tensor's score asks for: what `importance` must not exceed.
struct Engine {
    base: f64,
    map: ImportanceMap,
}

impl Strategy for Engine {
    fn name(&self) -> &'static str {
        "rdo"
    }

    fn encode(&self, tensor: TensorView<'_>) -> hct_core::Result<Coded> {
        let score = self.map.score(&tensor.meta.name);
        // 4^(½ − score) times the squared error.
        let error = (1.0 - self.base * self.base) * libm::exp2(1.0 - 2.0 * score);
        RdoEncoder::new(Quality::Cosine((1.0 - error).sqrt())).encode(tensor)
    }
}

/// Measures the codings.
pub fn measure(bench: &Bench<'_>, measured: &Measured) -> Result<ImportanceTable> {
    let uniform = row("uniform, retention 0.98", &measured.reference);
    let goal = uniform.matrix_bytes;
    let mut rows = vec![uniform];
    rows.push(at_bytes(bench, goal, "importance", importance)?);
    rows.push(at_bytes(bench, goal, "rdo", rdo)?);
    let mut steered = measured.rows.iter();
    let steered = steered
        .find(|r| r.row.strategy == "importance" && r.aim == Aim::Equal)
        .context("no row of importance")?;
    let engine = Engine {
        base: measured.importance_base,
        map: ImportanceMap::by_role(),
    };
    let (engine, _) = bench.measure(&Ours::new("as scored".into(), engine))?;
    Ok(ImportanceTable {
        rows,
        steered_bytes: steered.row.matrix_bytes,
        engine_bytes: engine.matrix_bytes,
    })
}

/// A strategy at the cosine at which it takes just `goal` bytes.
fn at_bytes(
    bench: &Bench<'_>,
    goal: u64,
    name: &str,
    make: impl Fn(f64) -> Ours,
) -> Result<ImportanceRow> {
    // Bits are about half the logarithm of the error: in these units the slope is −1.
    let weights: u64 = bench
        .matrices
        .iter()
        .map(|&i| {
            let shape = &bench.model.checkpoint.tensors()[i].shape;
            shape.iter().product::<u64>()
        })
        .sum();
    let units = 2.0 * std::f64::consts::LN_2;
    let goal_bits = bits_per_weight(goal, weights);
    let start = -units * (goal_bits - 0.1);
    just_below_zero(start, -1.0, 0.005, |log_error| {
        let contestant = make(base_cosine(log_error));
        let (_, tensors) = bench.measure(&contestant)?;
        let row = row(&format!("{name}, {}", contestant.label().setting), &tensors);
        let excess = bits_per_weight(row.matrix_bytes, weights) - goal_bits;
        Ok((units * excess, row))
    })
    .with_context(|| format!("{name} at {goal_bits} bits per weight"))
}

fn row(name: &str, tensors: &[TensorRow]) -> ImportanceRow {
    let mut total = RowComparison::default();
    let mut parts = [(0, 0, RowComparison::default()); GROUPS.len()];
    for tensor in tensors {
        total.merge(&tensor.sums);
        let part = &mut parts[group(&tensor.name)];
        part.0 += tensor.weights;
        part.1 += tensor.bytes;
        part.2.merge(&tensor.sums);
    }
    let parts = GROUPS.into_iter().zip(parts).filter(|(_, part)| part.0 > 0);
    ImportanceRow {
        name: name.into(),
        matrix_bytes: tensors.iter().map(|t| t.bytes).sum(),
        cosine: total.cosine(),
        roles: parts
            .map(|(group, (weights, bytes, sums))| RolePart {
                group: group.into(),
                weights,
                bytes,
                cosine: sums.cosine(),
            })
            .collect(),
    }
}

impl ImportanceTable {
    /// What steering costs beyond the engine, as a share.
    pub fn overhead(&self) -> f64 {
        self.steered_bytes as f64 / self.engine_bytes as f64 - 1.0
    }
}

/// Renders the table of matrices of so many weights.
pub fn render(table_of: &ImportanceTable, weights: u64) -> String {
    let groups = table_of.rows.first().map_or(&[][..], |row| &row.roles[..]);
    let mut head = vec!["coding", "bits per weight", "cosine"];
    head.extend(groups.iter().map(|part| part.group.as_str()));
    let rows: Vec<Vec<String>> = table_of
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![
                row.name.clone(),
                bits(row.matrix_bytes, weights),
                cells::cosine(row.cosine),
            ];
            let parts = row.roles.iter();
            cells
                .extend(parts.map(|p| {
                    format!("{} ({})", cells::cosine(p.cosine), bits(p.bytes, p.weights))
                }));
            cells
        })
        .collect();
    let align = "l".to_owned() + &"r".repeat(head.len() - 1);
    format!(
        "### Importance at equal bits\n\nCosines by what the tensors do, bits per weight in \
         parentheses; `importance` and `rdo` at the quality that just fits into the bytes of \
         `uniform`. Steering takes {:.2} % more bytes than the engine alone at the same qualities, \
         tensor by tensor.\n\n{}",
        100.0 * table_of.overhead(),
        table(&align, &head, &rows)
    )
}
