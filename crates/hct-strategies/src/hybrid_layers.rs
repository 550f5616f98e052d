//! Hybrid layers: the ends of a stack of layers better than its middle.

use hct_core::Result;

use crate::coding;
use crate::engine::Quality;
use crate::names::LayerStacks;
use crate::preset::{Options, with_options, with_quality};
use crate::target::target_for;
use crate::{Coded, LosslessEncoder, Preset, Strategy, StrategyName, TensorView, sparse};

/// Retention of the layers next to the first and the last.
const NEXT: f64 = 0.80;

/// Keeps the first and the last layer of every stack bit for bit, codes the ones next to them at
/// a retention of 0.80 (or the base retention where that is better), and all other tensors at the base retention.
#[derive(Clone, Debug)]
pub struct HybridLayersEncoder {
    retention: f64,
    stacks: LayerStacks,
    quality: Option<Quality>,
    options: Options,
}

impl HybridLayersEncoder {
    /// The base `retention`, in (0, 1]; `stacks` are those of the checkpoint's tensor names.
    pub fn new(retention: f64, stacks: LayerStacks) -> Self {
        HybridLayersEncoder {
            retention,
            stacks,
            quality: None,
            options: Options::default(),
        }
    }

    /// How many layers away the nearest end of the stack is; none for tensors in no layer.
    fn depth(&self, name: &str) -> Option<usize> {
        let (index, count) = self.stacks.position(name)?;
        Some(index.min((count - 1).saturating_sub(index)))
    }
}

with_options!(HybridLayersEncoder);
with_quality!(HybridLayersEncoder);

impl Strategy for HybridLayersEncoder {
    fn name(&self) -> &'static str {
        StrategyName::HybridLayers.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let name = &tensor.meta.name;
        let depth = self.depth(name);
        if depth == Some(0) {
            let coded = LosslessEncoder.encode(tensor)?;
            let label = format!("{} ({}: first or last layer)", self.name(), coded.label);
            return Ok(Coded { label, ..coded });
        }
        let next = depth == Some(1);
        let Options { preset, engine } = self.options;
        if preset == Preset::Classic {
            let retention = if next {
                self.retention.max(NEXT)
            } else {
                self.retention
            };
            let (how, fragments) = (sparse::dct2(preset), self.options.fragments());
            return sparse::uniform(tensor, how, retention, fragments, self.name());
        }
        let mut quality = self.base_quality();
        let at_next = Quality::of_retention(NEXT);
        if next && at_next.rel_mse() < quality.rel_mse() {
            quality = at_next;
        }
        coding::code(&engine, tensor, &target_for(name, quality), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_from_either_end() {
        let names: Vec<String> = (0..6)
            .map(|i| format!("model.layers.{i}.mlp.up_proj.weight"))
            .collect();
        let stacks = LayerStacks::of(names.iter().map(String::as_str));
        let encoder = HybridLayersEncoder::new(0.7, stacks);
        let depths: Vec<_> = names.iter().map(|n| encoder.depth(n)).collect();
        assert_eq!(depths, [0, 1, 2, 2, 1, 0].map(Some));
        assert_eq!(encoder.depth("model.embed_tokens.weight"), None);
    }
}
