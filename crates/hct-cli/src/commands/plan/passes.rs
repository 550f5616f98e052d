//! What becomes of tensors, time after time.

use std::sync::{Mutex, PoisonError};

use hct_core::{Recipe, TensorRecord};
use hct_model::{CompressReport, Progress};

use super::report::Row;
use crate::progress::Bar;
use crate::units;

/// A bar that keeps what became of tensors, for every time that all are coded.
pub struct Passes {
    bar: Bar,
    rows: Mutex<Vec<Vec<Row>>>,
}

impl Passes {
    pub fn new(bar: Bar) -> Passes {
        Passes {
            bar,
            rows: Mutex::new(vec![Vec::new()]),
        }
    }

    /// The rows of the pass that `done` is of: the one of about as many bytes, since passes differ in
    /// size.
    pub fn rows_of(self, done: &CompressReport) -> Vec<Row> {
        let passes = self
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let apart = |rows: &Vec<Row>| {
            let bytes: u64 = rows.iter().map(|row| row.bytes).sum();
            bytes.abs_diff(done.output_bytes)
        };
        passes.into_iter().min_by_key(apart).unwrap_or_default()
    }
}

impl Progress for Passes {
    fn advance(&self, bytes: u64, tensor: &str) {
        self.bar.advance(bytes, tensor);
    }

    fn coded(&self, record: &TensorRecord, damage: Option<f64>) {
        let bytes = record.stored_bytes();
        let row = Row {
            name: record.name.clone(),
            shape: record.shape.clone(),
            coded: record.label.to_string(),
            bytes,
            bits_per_weight: units::bits_per(bytes, record.elements()),
            damage,
            by_spec: damage.is_some() || matches!(record.recipe, Recipe::Fragments { .. }),
        };
        let mut passes = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rows) = passes.last_mut() {
            rows.push(row);
        }
    }

    fn cancelled(&self) -> bool {
        self.bar.cancelled()
    }

    fn restart(&self, pass: usize) {
        self.bar.restart(pass);
        let mut passes = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        passes.push(Vec::new());
    }
}
