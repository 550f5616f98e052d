//! Table 2: what `adaptive` makes of different targets, and the retentions it chooses for that.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use hct_strategies::{AdaptiveEncoder, Coded, Preset, Role, Strategy, TensorView, role};
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::entrants::adaptive_setting;
use crate::comparison::Row;
use crate::contestant::Ours;
use crate::text::cells::{self, bits, percent};
use crate::text::table::table;

const TARGETS: [f64; 4] = [0.85, 0.90, 0.95, 0.99];

/// `adaptive` at one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveRow {
    /// The target: of energy for the classic preset, of cosine for the viable one.
    pub target: f64,
    /// What came of it.
    pub row: Row,
    /// Median over the matrices of the share of coefficients that are not dropped.
    pub median_retention: f64,
    /// The least of them.
    pub least_retention: f64,
    /// The same share over the coefficients of all embeddings, of a model that has some.
    pub embedding_retention: Option<f64>,
}

/// What one tensor kept.
struct Kept {
    name: String,
    weights: u64,
    retention: f64,
}

/// A strategy that notes what the one inside keeps of every tensor.
struct Noting {
    inner: AdaptiveEncoder,
    notes: Arc<Mutex<Vec<Kept>>>,
}

impl Strategy for Noting {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> hct_core::Result<Coded> {
        let coded = self.inner.encode(tensor)?;
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(Kept {
            name: tensor.meta.name.clone(),
            weights: tensor.meta.shape.iter().product(),
            retention: coded.tensor.retention(),
        });
        Ok(coded)
    }
}

/// Measures both presets at every target.
pub fn measure(bench: &Bench<'_>) -> Result<Vec<AdaptiveRow>> {
    let mut rows = Vec::new();
    for preset in [Preset::Classic, Preset::Viable] {
        for target in TARGETS {
            let notes = Arc::default();
            let noting = Noting {
                inner: AdaptiveEncoder::new(target).preset(preset),
                notes: Arc::clone(&notes),
            };
            let setting = adaptive_setting(target, preset);
            let contestant = Ours::new(setting, noting).of_preset(preset);
            let (row, _) = bench.measure(&contestant)?;
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.sort_by(|a, b| a.retention.total_cmp(&b.retention));
            let retention = |i: usize| notes.get(i).map_or(1.0, |kept| kept.retention);
            rows.push(AdaptiveRow {
                target,
                row,
                median_retention: retention(notes.len() / 2),
                least_retention: retention(0),
                embedding_retention: of_embeddings(&notes),
            });
        }
    }
    Ok(rows)
}

fn of_embeddings(notes: &[Kept]) -> Option<f64> {
    let mut embeddings: Vec<&Kept> = notes
        .iter()
        .filter(|kept| role(&kept.name) == Role::Embedding)
        .collect();
    // Threads note in any order, and sums of floats depend on it.
    embeddings.sort_by(|a, b| a.name.cmp(&b.name));
    let weights: u64 = embeddings.iter().map(|kept| kept.weights).sum();
    let kept = embeddings.iter().map(|k| k.retention * k.weights as f64);
    (weights > 0).then(|| kept.sum::<f64>() / weights as f64)
}

/// Renders the table of matrices of so many weights.
pub fn render(rows: &[AdaptiveRow], weights: u64) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|entry| {
            let row = &entry.row;
            vec![
                cells::or_dash(&row.preset),
                row.setting.clone(),
                bits(row.matrix_bytes, weights),
                cells::cosine(row.cosine),
                cells::cosine(row.worst_cosine),
                cells::optional_cosine(row.worst_row),
                percent(entry.median_retention),
                percent(entry.least_retention),
                entry.embedding_retention.map_or("–".into(), percent),
            ]
        })
        .collect();
    let head = [
        "`adaptive`",
        "target",
        "bits per weight",
        "cosine",
        "worst tensor",
        "worst row",
        "retention, median",
        "least",
        "of embeddings",
    ];
    format!(
        "### Adaptive retention\n\nRetention is the share of the coefficients that are coded as \
         other than zero. The classic preset keeps a share of the energy, the viable one a cosine \
         measured after coding.\n\n{}",
        table("llrrrrrrr", &head, &rows)
    )
}
