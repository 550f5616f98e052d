//! Hybrid: low-rank factors for some tensors, transforms or neither for others.

use hct_core::Result;

use crate::engine::{Goal, Quality};
use crate::names::role;
use crate::preset::{Options, with_options, with_quality};
use crate::target::target_for;
use crate::{Coded, Preset, Strategy, StrategyName, TensorView, sparse, svd};

/// Leading components of other than attention matrices that are looked at first.
const GLANCE: usize = 8;

/// Routes every tensor to factors and a residual, a transform, or neither.
///
/// The viable preset takes what is smallest at the target by measurement; a name is but a hint:
/// attention matrices get the search for a rank at once, others only where a few leading
/// components promise something. The classic preset goes by names alone: attention to FP16 factors
/// of the given rank, the rest to the uniform scheme.
#[derive(Clone, Copy, Debug)]
pub struct HybridEncoder {
    rank: usize,
    retention: f64,
    quality: Option<Quality>,
    options: Options,
}

impl HybridEncoder {
    /// Factors of `rank` (at most that in the viable preset), and the quality of the uniform
    /// scheme at `retention`, in (0, 1].
    pub fn new(rank: usize, retention: f64) -> Self {
        HybridEncoder {
            rank: rank.max(1),
            retention,
            quality: None,
            options: Options::default(),
        }
    }
}

with_options!(HybridEncoder);
with_quality!(HybridEncoder);

impl Strategy for HybridEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Hybrid.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let attention = role(&tensor.meta.name).is_attention();
        let Options { preset, engine } = self.options;
        if preset == Preset::Classic {
            if attention {
                return svd::classic(tensor, self.rank, self.name());
            }
            let (how, fragments) = (sparse::dct2(preset), self.options.fragments());
            return sparse::uniform(tensor, how, self.retention, fragments, self.name());
        }
        let quality = self.base_quality();
        let target = target_for(&tensor.meta.name, quality);
        let probe = if attention { svd::PROBE } else { GLANCE };
        let find = |goal: &Goal<'_>| svd::cheaper(&engine, goal, self.rank, probe);
        // Estimates know nothing of factors.
        engine.choose(tensor, &target, self.name(), find, |_, _| Ok(false))
    }
}
