//! The forward pass of decoders of the Llama and Qwen2 layouts, in F32 on the CPU.

mod attention;
mod batch;
mod causal;
mod gated;
mod head_sums;
mod layer;
mod layered;
mod norms;
mod rope;

use candle_core::{Device, Tensor};

use crate::Error;
use crate::config::DecoderConfig;
use crate::linear::Linear;
use crate::weights::Weights;
use attention::KeysValues;
pub(crate) use batch::BatchCache;
use layer::{Layer, RmsNorm};
use rope::Rope;

pub(crate) struct Decoder {
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head: OutputHead,
    rope: Rope,
    /// What stands before the names of its tensors.
    prefix: &'static str,
    /// Whether the head is the embedding.
    tied: bool,
}

/// What turns hidden states into logits: it needs no other part of the model.
#[derive(Clone)]
pub(crate) struct OutputHead {
    /// Vocabulary x hidden; with tied embeddings, the embedding itself.
    weight: Tensor,
}

/// The keys and values of the tokens that a decoder has seen.
#[derive(Default)]
pub(crate) struct Cache {
    layers: Vec<KeysValues>,
    tokens: usize,
}

impl Decoder {
    pub fn load(config: &DecoderConfig, weights: &Weights) -> Result<Decoder, Error> {
        let shape = [config.vocab_size, config.hidden_size];
        let embedding = weights.tensor("embed_tokens.weight", &shape)?;
        let head = OutputHead {
            weight: if config.tie_word_embeddings {
                embedding.clone()
            } else {
                weights.unprefixed("lm_head.weight", &shape)?
            },
        };
        let layers = (0..config.num_hidden_layers)
            .map(|number| Layer::load(config, weights, number))
            .collect::<Result<_, _>>()?;
        Ok(Decoder {
            embedding,
            layers,
            norm: RmsNorm::load(config, weights, "norm")?,
            head,
            rope: Rope::new(config),
            prefix: weights.prefix(),
            tied: config.tie_word_embeddings,
        })
    }

    /// The rows of the embedding.
    pub fn vocabulary(&self) -> usize {
        self.embedding.dims()[0]
    }

    pub fn head(&self) -> &OutputHead {
        &self.head
    }

    /// The normalised hidden states (tokens x hidden) of `tokens`, which follow those in `cache`
    /// and are added to it.
    pub fn hidden(&self, tokens: &[u32], cache: &mut Cache) -> Result<Tensor, Error> {
        let mut x = self.look_up(tokens)?;
        let rotation = self.rope.at(cache.tokens, tokens.len())?;
        cache
            .layers
            .resize_with(self.layers.len(), KeysValues::default);

        for (layer, seen) in self.layers.iter().zip(&mut cache.layers) {
            x = layer.forward(&x, &rotation, seen)?;
        }
        cache.tokens += tokens.len();
        self.norm.forward(&x)
    }

    /// The embeddings of tokens, tokens x hidden.
    fn look_up(&self, tokens: &[u32]) -> Result<Tensor, Error> {
        let vocabulary = self.vocabulary();
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(Error::TokenOutOfVocabulary { token, vocabulary });
        }
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        Ok(self.embedding.index_select(&ids, 0)?)
    }
}

impl OutputHead {
    /// Tokens x hidden to tokens x vocabulary.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor, Error> {
        Linear::from_weight(self.weight.clone()).forward(hidden)
    }

    pub fn vocabulary(&self) -> usize {
        self.weight.dims()[0]
    }
}
