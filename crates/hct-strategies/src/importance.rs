//! Importance-guided: better quality for the tensors that matter more.

use hct_core::Result;

use crate::coding;
use crate::engine::Quality;
use crate::preset::{Options, with_options, with_quality};
use crate::target::target_for;
use crate::{Coded, ImportanceMap, Preset, Strategy, StrategyName, TensorView, sparse};

/// The score that leaves a tensor's quality as asked for.
const NEUTRAL: f64 = 0.5;

/// Scores tensors by their names, and lets the score steer their quality.
///
/// The viable preset scales the squared error that a tensor may have by 4^(½ − score) and leaves
/// the rest to the rate–distortion engine: a score of ½ asks for the base quality, 1 for half of
/// its squared error, 0 for twice. Nothing of it is stored. The classic preset scales the
/// retention: a score of ½ keeps ρ, 1 keeps everything, 0 nothing but the largest coefficient.
#[derive(Clone, Debug)]
pub struct ImportanceEncoder {
    retention: f64,
    map: ImportanceMap,
    quality: Option<Quality>,
    options: Options,
}

impl ImportanceEncoder {
    /// A base quality of that of the uniform scheme at `retention`, in (0, 1], steered by `map`.
    pub fn new(retention: f64, map: ImportanceMap) -> Self {
        ImportanceEncoder {
            retention,
            map,
            quality: None,
            options: Options::default(),
        }
    }

    fn retention_at(&self, score: f64) -> f64 {
        let rho = self.retention;
        let scaled = match score >= NEUTRAL {
            true => rho + (1.0 - rho) * (score - NEUTRAL) / (1.0 - NEUTRAL),
            false => rho * score / NEUTRAL,
        };
        scaled.clamp(f64::MIN_POSITIVE, 1.0)
    }
}

/// The base quality with the error that a tensor of this score may have.
fn steered(quality: Quality, score: f64) -> Quality {
    quality.scaled(libm::exp2(2.0 * (NEUTRAL - score)))
}

with_options!(ImportanceEncoder);
with_quality!(ImportanceEncoder);

impl Strategy for ImportanceEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Importance.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let score = self.map.score(&tensor.meta.name);
        let Options { preset, engine } = self.options;
        if preset == Preset::Classic {
            let (how, retention) = (sparse::dct2(preset), self.retention_at(score));
            return sparse::uniform(
                tensor,
                how,
                retention,
                self.options.fragments(),
                self.name(),
            );
        }
        let base = self.base_quality();
        let target = target_for(&tensor.meta.name, steered(base, score));
        coding::code(&engine, tensor, &target, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_steer_error_and_retention_alike() {
        let base = Quality::RelMse(0.01);
        assert_eq!(steered(base, 0.5), base);
        assert!((steered(base, 1.0).rel_mse() - 0.005).abs() < 1e-12);
        assert!((steered(base, 0.0).rel_mse() - 0.02).abs() < 1e-12);
        let encoder = ImportanceEncoder::new(0.8, ImportanceMap::by_role());
        assert_eq!(encoder.retention_at(0.5), 0.8);
        assert!((encoder.retention_at(0.75) - 0.9).abs() < 1e-12);
        assert_eq!(encoder.retention_at(1.0), 1.0);
        assert!(encoder.retention_at(0.0) > 0.0);
    }
}
