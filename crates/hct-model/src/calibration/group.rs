//! Statistics of the tensors that share an input.

use hct_strategies::{Moments, TensorStatistics};
use serde::{Deserialize, Serialize};

/// The statistics of matrices that are multiplied with the same vectors; see
/// [`TensorStatistics`] for what each number is.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticsGroup {
    /// How many tokens the means are over.
    pub tokens: u64,
    /// The moments of the vectors.
    pub inputs: Moments,
    /// How far to trust what is off their diagonal.
    pub reliability: f32,
    /// The matrices.
    pub tensors: Vec<GroupTensor>,
}

/// What is known of one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTensor {
    /// The tensor.
    pub name: String,
    /// The moments of the vectors, weighted by squared gradients.
    pub weighted: Option<Moments>,
    /// How far to trust what is off their diagonal.
    pub weighted_reliability: f32,
    /// The mean squared gradient of every row.
    pub rows: Option<Vec<f32>>,
}

/// The form of a [`StatisticsGroup`], without the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupShape {
    /// How many tokens the means are over.
    pub tokens: u64,
    /// Columns of the matrices.
    pub columns: usize,
    /// Whether all moments of the vectors are there, or else the diagonal only.
    pub full: bool,
    /// The matrices.
    pub tensors: Vec<TensorShape>,
}

/// The form of a [`GroupTensor`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorShape {
    /// The tensor.
    pub name: String,
    /// Whether all weighted moments are there (`true`), the diagonal only, or none.
    pub weighted: Option<bool>,
    /// How many rows there are weights of, if any.
    pub rows: Option<usize>,
}

impl StatisticsGroup {
    /// The form of it.
    pub fn shape(&self) -> GroupShape {
        let is_full = |moments: &Moments| matches!(moments, Moments::Full(_));
        GroupShape {
            tokens: self.tokens,
            columns: self.inputs.size(),
            full: is_full(&self.inputs),
            tensors: self
                .tensors
                .iter()
                .map(|tensor| TensorShape {
                    name: tensor.name.clone(),
                    weighted: tensor.weighted.as_ref().map(is_full),
                    rows: tensor.rows.as_ref().map(Vec::len),
                })
                .collect(),
        }
    }

    /// The statistics of one of the tensors.
    pub(super) fn into_statistics(self, number: usize) -> Option<TensorStatistics> {
        let tensor = self.tensors.into_iter().nth(number)?;
        let mut statistics = TensorStatistics::of_inputs(self.tokens, self.inputs);
        statistics.reliability = self.reliability;
        statistics.weighted = tensor.weighted;
        statistics.weighted_reliability = tensor.weighted_reliability;
        statistics.rows = tensor.rows;
        Some(statistics)
    }
}
