//! The shape of a Llama-like model of a wanted size.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::tensor_file::TensorSpec;

/// The largest vocabulary planned, Llama's own.
const VOCABULARY: usize = 32_000;
/// Below this the steps between plans are too coarse to meet a wanted size.
const MIN_BYTES: u64 = 1 << 20;

/// The dimensions of a model.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward block.
    pub intermediate: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of tokens.
    pub vocabulary: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Number of key and value heads.
    pub key_heads: usize,
}

impl Plan {
    /// The most Llama-like model of about `bytes` bytes at two bytes a weight.
    pub fn about(bytes: u64) -> Result<Self> {
        ensure!(
            bytes >= MIN_BYTES,
            "a synthetic checkpoint needs at least {MIN_BYTES} bytes"
        );
        let weights = usize::try_from(bytes / 2)?;
        let narrow = (64..1024).step_by(64);
        let widths = narrow.chain((1024..=16_384).step_by(256));
        widths
            .filter_map(|hidden| Self::of_width(hidden, weights))
            .min_by(|a, b| a.unlikeness().total_cmp(&b.unlikeness()))
            .with_context(|| format!("no plan for a checkpoint of {bytes} bytes"))
    }

    fn of_width(hidden: usize, weights: usize) -> Option<Self> {
        let head_size = if hidden < 2048 { 64 } else { 128 };
        let heads = hidden / head_size;
        let mut plan = Self {
            hidden,
            intermediate: (hidden * 8 / 3).next_multiple_of(64),
            layers: 0,
            vocabulary: VOCABULARY.min(16 * hidden),
            heads,
            key_heads: (1..=heads.div_ceil(4))
                .rev()
                .find(|&n| heads.is_multiple_of(n))?,
        };
        let in_layers = weights.checked_sub(plan.weights())?;
        let in_layer = count(&plan.layer_tensors(0));
        plan.layers = (in_layers + in_layer / 2) / in_layer;
        // Whole layers miss the wanted size by up to half a layer; the vocabulary makes up for it.
        let missing = weights.cast_signed() - plan.weights().cast_signed();
        let rows = missing / (2 * hidden.cast_signed()) / 8 * 8;
        plan.vocabulary = plan
            .vocabulary
            .checked_add_signed(rows)
            .filter(|&rows| rows >= 64)?;
        (plan.layers > 0).then_some(plan)
    }

    /// How far the model's proportions are from those of released models, which have about one
    /// layer for every 128 columns.
    fn unlikeness(&self) -> f64 {
        let usual = (self.hidden as f64 / 128.0).max(2.0);
        let actual = self.layers as f64;
        (actual / usual).max(usual / actual)
    }

    fn weights(&self) -> usize {
        count(&self.outer_tensors()) + self.layers * count(&self.layer_tensors(0))
    }

    /// Every tensor, in model order.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let [embeddings, norm, head] = self.outer_tensors();
        let mut tensors = vec![embeddings];
        tensors.extend((0..self.layers).flat_map(|layer| self.layer_tensors(layer)));
        tensors.extend([norm, head]);
        tensors
    }

    fn outer_tensors(&self) -> [TensorSpec; 3] {
        let table = [self.vocabulary, self.hidden];
        [
            TensorSpec::new("model.embed_tokens.weight", &table),
            TensorSpec::new("model.norm.weight", &[self.hidden]),
            TensorSpec::new("lm_head.weight", &table),
        ]
    }

    fn layer_tensors(&self, layer: usize) -> Vec<TensorSpec> {
        let (hidden, inner) = (self.hidden, self.intermediate);
        let keys = self.hidden / self.heads * self.key_heads;
        let parts: [(&str, &[usize]); 9] = [
            ("input_layernorm", &[hidden]),
            ("self_attn.q_proj", &[hidden, hidden]),
            ("self_attn.k_proj", &[keys, hidden]),
            ("self_attn.v_proj", &[keys, hidden]),
            ("self_attn.o_proj", &[hidden, hidden]),
            ("post_attention_layernorm", &[hidden]),
            ("mlp.gate_proj", &[inner, hidden]),
            ("mlp.up_proj", &[inner, hidden]),
            ("mlp.down_proj", &[hidden, inner]),
        ];
        let name = |part| format!("model.layers.{layer}.{part}.weight");
        parts
            .iter()
            .map(|(part, shape)| TensorSpec::new(name(part), shape))
            .collect()
    }

    /// The model's `config.json`.
    pub fn config(&self) -> Value {
        json!({
            "architectures": ["LlamaForCausalLM"],
            "bos_token_id": 1,
            "eos_token_id": 2,
            "hidden_act": "silu",
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "max_position_embeddings": 4096,
            "model_type": "llama",
            "num_attention_heads": self.heads,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.key_heads,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10_000.0,
            "tie_word_embeddings": false,
            "torch_dtype": "bfloat16",
            "vocab_size": self.vocabulary,
        })
    }
}

fn count(tensors: &[TensorSpec]) -> usize {
    tensors.iter().map(TensorSpec::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_met_within_a_tenth() {
        for shift in 20..=38 {
            for bytes in [1u64 << shift, 3 << (shift - 1)] {
                let plan = Plan::about(bytes).unwrap();
                let planned = plan.weights() as f64 * 2.0;
                let ratio = planned / bytes as f64;
                assert!(
                    (0.9..=1.1).contains(&ratio),
                    "{bytes}: {plan:?} is {planned}"
                );
                assert!(plan.heads.is_multiple_of(plan.key_heads), "{plan:?}");
            }
        }
        assert!(Plan::about(1000).is_err());
    }

    #[test]
    fn the_tensors_add_up() {
        let plan = Plan::about(50 << 20).unwrap();
        assert_eq!(count(&plan.tensors()), plan.weights());
    }

    #[test]
    fn a_large_plan_looks_like_a_released_model() {
        let plan = Plan::about(4 << 30).unwrap();
        assert!((2048..=4096).contains(&plan.hidden), "{plan:?}");
        assert!((16..=32).contains(&plan.layers), "{plan:?}");
        assert!((24_000..=40_000).contains(&plan.vocabulary), "{plan:?}");
    }
}
