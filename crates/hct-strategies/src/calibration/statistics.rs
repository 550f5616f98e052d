//! What is known of one matrix of weights.

use hct_core::{Error, Result};

use super::Moments;

/// How the outputs of a model react to changes of one matrix W of R rows (outputs) and C columns
/// (inputs), y = W x.
///
/// All are means over tokens. With g the gradient with respect to y of a loss whose gradients'
/// second moments are its curvature (for a language model −ln p of a token drawn from the model's
/// own prediction, the Fisher information; for a sentence encoder the product of its vector and a
/// random one), the loss that an error Δ of the weights causes is about
/// ½ · E[(gᵀ Δ x)²] ≈ ½ · Σ_r rows_r · Δ_r H Δ_rᵀ
/// per token, where H is `inputs`, or `weighted` over the sum of `rows`. It is in nats of KL
/// divergence for a language model, and for an encoder the squared error of the vectors.
///
/// The matrix of an embedding has tokens for rows and is looked up, not multiplied; its statistics
/// are such that the same formula holds. For the table of an untied embedding `rows` is how often a
/// token comes, smoothed by how probable the model thinks it; `weighted` is E[g gᵀ] of the gradient
/// at what was looked up, and `inputs` is that over the sum of `rows`. For an output matrix `rows`
/// is E[p (1 − p)] of each token's probability, `inputs` is E[h hᵀ] of what the matrix is
/// multiplied with and `weighted` is E[Σ p (1 − p) · h hᵀ]. Where one matrix is both, `weighted`
/// is the sum of the two and `rows` mixes their rows, each scaled to the sum 1, in the proportion
/// of the traces of the two; `inputs` is `weighted` then.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TensorStatistics {
    /// How many tokens the means are over.
    pub tokens: u64,
    /// E[x xᵀ], C × C.
    pub inputs: Moments,
    /// E[(Σ_r g_r²) · x xᵀ], C × C; `None` where there were no gradients.
    pub weighted: Option<Moments>,
    /// `E[g_r²]` for each of R rows; `None` where there were no gradients.
    pub rows: Option<Vec<f32>>,
    /// The factor by which to shrink what is off the diagonal of `inputs`, from 0 to 1: 1 when the
    /// two halves of the data agree on all of it, 0 when they agree on nothing. It is the factor
    /// with the least expected squared error, estimated from the halves, all entries taken over
    /// the root of the two entries of the diagonal that go with them.
    pub reliability: f32,
    /// The same for `weighted`; 0 where there is none.
    pub weighted_reliability: f32,
}

impl TensorStatistics {
    /// Statistics of inputs alone: no gradients, nothing to rely on off the diagonal.
    pub fn of_inputs(tokens: u64, inputs: Moments) -> TensorStatistics {
        TensorStatistics {
            tokens,
            inputs,
            weighted: None,
            rows: None,
            reliability: 0.0,
            weighted_reliability: 0.0,
        }
    }

    /// Checks that everything goes with a matrix of `rows` × `cols`.
    ///
    /// # Errors
    /// When a size is another, or a number is negative or not finite where it must not be.
    pub fn check(&self, rows: usize, cols: usize) -> Result<()> {
        let invalid = |why: String| {
            let what = "statistics of a tensor";
            Err(Error::Invalid { what, why })
        };
        for moments in [Some(&self.inputs), self.weighted.as_ref()]
            .into_iter()
            .flatten()
        {
            if moments.size() != cols {
                let size = moments.size();
                return invalid(format!("moments of {size} inputs, and there are {cols}"));
            }
            // Those of a matrix were checked when it was made.
            if let Moments::Diagonal(squares) = moments
                && !squares.iter().all(|&x| x.is_finite() && x >= 0.0)
            {
                return invalid("a mean square is negative or not finite".into());
            }
        }
        if let Some(weights) = &self.rows {
            if weights.len() != rows {
                let given = weights.len();
                return invalid(format!("weights of {given} rows, and there are {rows}"));
            }
            if !weights.iter().all(|&x| x.is_finite() && x >= 0.0) {
                return invalid("the weight of a row is negative or not finite".into());
            }
        }
        let shares = [self.reliability, self.weighted_reliability];
        match shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            true => Ok(()),
            false => invalid("a reliability is not from 0 to 1".into()),
        }
    }
}

/// Where the statistics of a model's tensors come from.
pub trait Calibration: Send + Sync {
    /// Those of the tensor of this name; `None` when there are none. Whether they go with its shape
    /// is for the caller to find out ([`TensorStatistics::check`]).
    ///
    /// # Errors
    /// When they cannot be read, or are not what statistics can be.
    fn statistics(&self, tensor: &str) -> Result<Option<TensorStatistics>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SymmetricMatrix;

    #[test]
    fn statistics_of_another_shape_are_refused() {
        let matrix = SymmetricMatrix::new(2, vec![1.0, 0.5, 1.0]).unwrap();
        let mut statistics = TensorStatistics::of_inputs(9, Moments::Full(matrix));
        statistics.weighted = Some(Moments::Diagonal(vec![1.0, 2.0]));
        statistics.rows = Some(vec![1.0, 2.0, 3.0]);
        statistics.check(3, 2).unwrap();
        assert!(statistics.check(2, 2).is_err());
        assert!(statistics.check(3, 3).is_err());
        let changed = |change: fn(&mut TensorStatistics)| {
            let mut statistics = statistics.clone();
            change(&mut statistics);
            statistics.check(3, 2).is_err()
        };
        assert!(changed(|s| s.rows = Some(vec![1.0, -2.0, 3.0])));
        assert!(changed(|s| s.rows = Some(vec![1.0, f32::NAN, 3.0])));
        assert!(changed(
            |s| s.weighted = Some(Moments::Diagonal(vec![1.0, -1.0]))
        ));
        assert!(changed(|s| s.weighted = Some(Moments::Diagonal(vec![1.0]))));
        assert!(changed(|s| s.reliability = 1.5));
        assert!(changed(|s| s.weighted_reliability = f32::NAN));
    }
}
