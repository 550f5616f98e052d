//! Adaptive retention: as many coefficients of each tensor as its target needs.

use hct_core::{Result, energy_retention};

use crate::coding;
use crate::engine::{Quality, RowFloor, Target};
use crate::names::is_embedding;
use crate::preset::{Options, with_options};
use crate::{Coded, Preset, Strategy, StrategyName, TensorView, sparse};

/// Least retention of the classic scheme.
const CLASSIC_FLOOR: f64 = 0.05;
/// How much larger than the tensor's own the cosine error of an embedding's row may be.
const ROW_LENIENCE: f64 = 3.0;
/// Rows in a thousand that the floor counts.
const ROWS_COUNTED: usize = 990;

/// Gives every tensor the retention at which its cosine just reaches a target.
///
/// The viable preset measures the cosine after coding and rounding, keeps means apart where they
/// matter, and holds embeddings to a floor row by row: once the mean row is subtracted the median
/// row reaches the target, and 99 rows in 100 reach 1 − 3·(1 − target). Which coefficients are
/// dropped, that is quantized to zero, follows from rate and distortion.
///
/// The classic preset keeps as many coefficients of the matrix's DCT as hold the share `target`
/// of its energy, at least 5 %, whatever becomes of the rows.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveEncoder {
    target: f64,
    options: Options,
}

impl AdaptiveEncoder {
    /// Reaches the cosine `target`, in (0, 1).
    pub fn new(target: f64) -> Self {
        AdaptiveEncoder {
            target,
            options: Options::default(),
        }
    }

    fn target_for(&self, name: &str) -> Target {
        let quality = Quality::Cosine(self.target);
        let mut target = Target::from(quality);
        if is_embedding(name) {
            let least = (1.0 - ROW_LENIENCE * (1.0 - self.target)).max(0.0);
            target.floors = vec![
                RowFloor::median(quality),
                RowFloor {
                    per_mille: ROWS_COUNTED,
                    quality: Quality::Cosine(least),
                },
            ];
        }
        target
    }
}

with_options!(AdaptiveEncoder);

impl Strategy for AdaptiveEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Adaptive.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        if self.options.preset == Preset::Viable {
            let target = self.target_for(&tensor.meta.name);
            return coding::code(&self.options.engine, tensor, &target, self.name());
        }
        let preparation = sparse::dct2(Preset::Classic);
        let retention = match energy_retention(tensor.matrix()?, preparation, self.target) {
            Err(error) if error.is_out_of_range() => {
                return sparse::coded(tensor, Err(error), self.name());
            }
            retention => retention?,
        };
        sparse::uniform(
            tensor,
            preparation,
            retention.max(CLASSIC_FLOOR),
            self.options.fragments(),
            self.name(),
        )
    }
}
