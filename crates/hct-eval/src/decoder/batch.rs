//! Several texts at once, token by token: the weights are read once for all of them.

use candle_core::Tensor;

use super::Decoder;
use super::attention::{BatchKeysValues, Step};
use crate::Error;

/// The keys and values of texts that all have the same number of tokens.
#[derive(Default)]
pub(crate) struct BatchCache {
    layers: Vec<BatchKeysValues>,
    tokens: usize,
}

impl Decoder {
    /// The normalised hidden states (texts x hidden) after one more token of each text.
    pub fn step(&self, tokens: &[u32], cache: &mut BatchCache) -> Result<Tensor, Error> {
        let rotation = self.rope.at(cache.tokens, 1)?;
        cache
            .layers
            .resize_with(self.layers.len(), BatchKeysValues::default);
        let mut x = self.look_up(tokens)?;
        for (layer, seen) in self.layers.iter().zip(&mut cache.layers) {
            let mut step = Step {
                rotation: &rotation,
                seen,
            };
            x = layer.step(&x, &mut step)?;
        }
        cache.tokens += 1;
        self.norm.forward(&x)
    }
}
