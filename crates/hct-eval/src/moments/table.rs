//! The statistics of matrices whose rows have weights of their own.

use hct_model::{GroupTensor, StatisticsGroup};
use hct_strategies::{Moments, SymmetricMatrix};

use super::Pooled;
use crate::Error;

/// The statistics of one matrix.
pub(crate) fn tensor(name: String, weighted: Pooled, rows: &[f64]) -> GroupTensor {
    GroupTensor {
        name,
        weighted_reliability: weighted.reliability,
        weighted: Some(weighted.into_moments()),
        rows: Some(rows.iter().map(|&row| row as f32).collect()),
    }
}

/// The statistics of a table that is looked up, of whose inputs only the weighted moments are
/// known.
pub(crate) fn of_rows(
    tokens: u64,
    name: String,
    weighted: Pooled,
    rows: &[f64],
) -> Result<StatisticsGroup, Error> {
    let total: f64 = rows.iter().sum();
    let entries = weighted.moments.packed().iter();
    let inputs = entries.map(|&x| (f64::from(x) / total) as f32).collect();
    let inputs = SymmetricMatrix::new(weighted.moments.size(), inputs);
    Ok(StatisticsGroup {
        tokens,
        inputs: Moments::Full(inputs.map_err(Error::Statistics)?),
        reliability: weighted.reliability,
        tensors: vec![tensor(name, weighted, rows)],
    })
}
