//! Rate–distortion optimization: for each tensor the recipe of least rate at a given quality.

use hct_core::Result;

use crate::coding;
use crate::engine::{Effort, Engine, Quality};
use crate::target::target_for;
use crate::{Coded, MAX_FRAGMENTS, Strategy, StrategyName, TensorView};

/// Codes every tensor with the trellis (or scalar) quantizer at the step that just reaches a
/// quality, after the transform that needs the fewest bits there.
#[derive(Clone, Copy, Debug)]
pub struct RdoEncoder {
    quality: Quality,
    engine: Engine,
}

impl RdoEncoder {
    /// Reaches `quality` with default effort; under [`Quality::Cosine`] the median row of an
    /// embedding reaches it too, once the mean row is subtracted.
    pub fn new(quality: Quality) -> Self {
        RdoEncoder {
            quality,
            engine: Engine::default(),
        }
    }

    /// Looks harder, or less hard.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.engine.effort = effort;
        self
    }

    /// Divides every tensor into up to `fragments` fragments, at least 1 and at most 32, each
    /// refining those before it: any number of the first ones decodes to an approximation.
    pub fn fragments(mut self, fragments: usize) -> Self {
        self.engine.fragments = fragments.clamp(1, MAX_FRAGMENTS);
        self
    }

    /// Sets the cosine, in (0, 1), that the difference from a base has at least with what it was,
    /// unless set 0.9.
    pub fn delta_cosine(mut self, cosine: f64) -> Self {
        self.engine.delta_cosine = cosine;
        self
    }
}

impl Strategy for RdoEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Rdo.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let target = target_for(&tensor.meta.name, self.quality);
        coding::code(&self.engine, tensor, &target, self.name())
    }
}
