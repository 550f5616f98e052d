//! A calibration of which something is not known.

use std::sync::Arc;

use hct_core::Result;
use hct_strategies::{Calibration, Moments, SymmetricMatrix, TensorStatistics};

/// The mean weight of a row where all tensors matter alike: about that of a language model, so that
/// sizes are at steps as usual.
const LEVEL: f64 = 1.0 / (1u64 << 25) as f64;

/// What is taken from a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ablation {
    /// How inputs go together: no feedback of errors is left, only steps of columns.
    Feedback,
    /// The moments that are weighted by gradients.
    WeightedMoments,
    /// How much each row matters, the level of the tensor kept.
    Rows,
    /// The same, of embeddings alone.
    EmbeddingRows,
    /// How much tensors matter against each other.
    Levels,
    /// All that gradients tell, as importance matrices have it: every matrix matters as much.
    Gradients,
    /// What says how far the rest is to be trusted.
    Reliability,
    /// All but how much tensors matter.
    AllButLevels,
    /// All but the mean squares of inputs.
    AllButMeanSquares,
}

impl Ablation {
    /// Each part left out, then parts alone.
    pub const ALL: [Ablation; 9] = [
        Ablation::Feedback,
        Ablation::WeightedMoments,
        Ablation::Rows,
        Ablation::EmbeddingRows,
        Ablation::Levels,
        Ablation::Gradients,
        Ablation::Reliability,
        Ablation::AllButLevels,
        Ablation::AllButMeanSquares,
    ];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Ablation::Feedback => "without feedback of errors",
            Ablation::WeightedMoments => "without gradient-weighted moments",
            Ablation::Rows => "without weights of rows",
            Ablation::EmbeddingRows => "without weights of the embedding's rows",
            Ablation::Levels => "without levels of tensors",
            Ablation::Gradients => "without gradients: feedback alone",
            Ablation::Reliability => "without shrinkage",
            Ablation::AllButLevels => "levels of tensors alone",
            Ablation::AllButMeanSquares => "mean squares of inputs alone",
        }
    }

    /// What is left of the statistics of a tensor.
    fn of(self, tensor: &str, mut s: TensorStatistics) -> TensorStatistics {
        match self {
            Ablation::Feedback => {
                s.inputs = diagonal(&s.inputs);
                s.weighted = s.weighted.as_ref().map(diagonal);
            }
            Ablation::WeightedMoments => s.weighted = None,
            Ablation::Rows => s.rows = s.rows.map(|rows| level(&rows)),
            Ablation::EmbeddingRows if is_embedding(tensor) => {
                s.rows = s.rows.map(|rows| level(&rows));
            }
            Ablation::EmbeddingRows => {}
            Ablation::Levels => {
                let total = s.rows.iter().flatten().map(|&x| f64::from(x)).sum::<f64>();
                let rows = s.rows.as_ref().map_or(0, Vec::len) as f64;
                let factor = if total > 0.0 {
                    LEVEL * rows / total
                } else {
                    1.0
                };
                for row in s.rows.iter_mut().flatten() {
                    *row = (f64::from(*row) * factor) as f32;
                }
                s.weighted = s.weighted.map(|moments| times(moments, factor));
            }
            Ablation::Gradients => {
                s.weighted = None;
                s.rows = None;
            }
            Ablation::Reliability => {
                s.reliability = 1.0;
                s.weighted_reliability = 1.0;
            }
            Ablation::AllButLevels => {
                let mean = mean_square(s.weighted.as_ref().unwrap_or(&s.inputs));
                s.weighted = s.weighted.map(|m| Moments::Diagonal(vec![mean; m.size()]));
                let mean = mean_square(&s.inputs);
                s.inputs = Moments::Diagonal(vec![mean; s.inputs.size()]);
                s.rows = s.rows.map(|rows| level(&rows));
            }
            Ablation::AllButMeanSquares => {
                s.inputs = diagonal(&s.inputs);
                s.weighted = None;
                s.rows = None;
            }
        }
        s
    }
}

/// A calibration without something.
pub struct Ablated {
    /// The whole of it.
    pub whole: Arc<dyn Calibration>,
    /// What is taken away.
    pub without: Ablation,
}

impl Calibration for Ablated {
    fn statistics(&self, tensor: &str) -> Result<Option<TensorStatistics>> {
        let statistics = self.whole.statistics(tensor)?;
        Ok(statistics.map(|s| self.without.of(tensor, s)))
    }
}

fn is_embedding(tensor: &str) -> bool {
    tensor.contains("embed")
}

fn diagonal(moments: &Moments) -> Moments {
    Moments::Diagonal(moments.diagonal())
}

fn mean(values: &[f32]) -> f32 {
    let sum: f64 = values.iter().map(|&x| f64::from(x)).sum();
    (sum / values.len().max(1) as f64) as f32
}

fn mean_square(moments: &Moments) -> f32 {
    mean(&moments.diagonal())
}

/// As many of their mean.
fn level(rows: &[f32]) -> Vec<f32> {
    vec![mean(rows); rows.len()]
}

fn times(moments: Moments, factor: f64) -> Moments {
    let scaled = |values: &[f32]| -> Vec<f32> {
        values
            .iter()
            .map(|&x| (f64::from(x) * factor) as f32)
            .collect()
    };
    match moments {
        Moments::Diagonal(squares) => Moments::Diagonal(scaled(&squares)),
        Moments::Full(matrix) => {
            let product = SymmetricMatrix::new(matrix.size(), scaled(matrix.packed()));
            Moments::Full(product.unwrap_or(matrix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(TensorStatistics);

    impl Calibration for Fixed {
        fn statistics(&self, tensor: &str) -> Result<Option<TensorStatistics>> {
            Ok((tensor != "unknown").then(|| self.0.clone()))
        }
    }

    fn statistics() -> TensorStatistics {
        let moments =
            |packed: [f32; 3]| Moments::Full(SymmetricMatrix::new(2, packed.to_vec()).unwrap());
        let mut statistics = TensorStatistics::of_inputs(9, moments([4.0, 1.0, 2.0]));
        statistics.weighted = Some(moments([8.0, -1.0, 16.0]));
        statistics.rows = Some(vec![1.0, 3.0, 8.0]);
        statistics.reliability = 0.75;
        statistics.weighted_reliability = 0.5;
        statistics
    }

    fn without(ablation: Ablation, tensor: &str) -> TensorStatistics {
        let whole = Arc::new(Fixed(statistics()));
        let ablated = Ablated {
            whole,
            without: ablation,
        };
        assert!(ablated.statistics("unknown").unwrap().is_none());
        let left = ablated.statistics(tensor).unwrap().unwrap();
        left.check(3, 2).unwrap();
        left
    }

    #[test]
    fn every_ablation_takes_what_it_says_and_leaves_the_rest() {
        let whole = statistics();
        let left = without(Ablation::Feedback, "w");
        assert_eq!(left.inputs, Moments::Diagonal(vec![4.0, 2.0]));
        assert_eq!(left.weighted, Some(Moments::Diagonal(vec![8.0, 16.0])));
        assert_eq!(left.rows, whole.rows);

        let left = without(Ablation::WeightedMoments, "w");
        assert_eq!((left.weighted, left.rows), (None, whole.rows.clone()));
        assert_eq!(left.inputs, whole.inputs);

        assert_eq!(without(Ablation::Rows, "w").rows, Some(vec![4.0; 3]));
        assert_eq!(without(Ablation::EmbeddingRows, "w"), whole);
        let left = without(Ablation::EmbeddingRows, "model.embed_tokens.weight");
        assert_eq!(left.rows, Some(vec![4.0; 3]));

        let left = without(Ablation::Levels, "w");
        let level = LEVEL as f32;
        assert_eq!(left.rows.unwrap(), [0.25, 0.75, 2.0].map(|x| x * level));
        assert_eq!(
            left.weighted.unwrap().diagonal(),
            [2.0, 4.0].map(|x| x * level)
        );

        let left = without(Ablation::Gradients, "w");
        assert_eq!((left.weighted, left.rows), (None, None));
        assert_eq!(left.inputs, whole.inputs);

        let left = without(Ablation::Reliability, "w");
        assert_eq!((left.reliability, left.weighted_reliability), (1.0, 1.0));

        let left = without(Ablation::AllButLevels, "w");
        assert_eq!(left.inputs, Moments::Diagonal(vec![3.0; 2]));
        assert_eq!(left.weighted, Some(Moments::Diagonal(vec![12.0; 2])));
        assert_eq!(left.rows, Some(vec![4.0; 3]));

        let left = without(Ablation::AllButMeanSquares, "w");
        assert_eq!(left.inputs, Moments::Diagonal(vec![4.0, 2.0]));
        assert_eq!((left.weighted, left.rows), (None, None));
    }
}
