//! Uniform V3: the same retention for every tensor.

use hct_core::Result;

use crate::preset::{Options, with_options};
use crate::{Coded, Strategy, StrategyName, TensorView, sparse};

/// 2-D DCT, the ⌈ρ·n⌉ largest coefficients, INT4 in blocks of 32 with FP16 scales.
///
/// The viable preset transforms tiles: they decode in parallel, in bounded memory and row by row,
/// and cost the same rate on trained weights as the one DCT across the matrix of the classic
/// preset.
#[derive(Clone, Copy, Debug)]
pub struct UniformEncoder {
    retention: f64,
    options: Options,
}

impl UniformEncoder {
    /// Keeps the fraction `retention` in (0, 1] of the coefficients.
    pub fn new(retention: f64) -> Self {
        UniformEncoder {
            retention,
            options: Options::default(),
        }
    }
}

with_options!(UniformEncoder);

impl Strategy for UniformEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Uniform.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let (preparation, fragments) =
            (sparse::dct2(self.options.preset), self.options.fragments());
        sparse::uniform(tensor, preparation, self.retention, fragments, self.name())
    }
}
