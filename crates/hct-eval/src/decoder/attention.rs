//! Causal self-attention in which several query heads share a key/value head.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;

use super::rope::Rotation;
use crate::Error;
use crate::config::DecoderConfig;
use crate::linear::{Linear, join_heads, split_heads};
use crate::weights::Weights;

pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

/// The keys and values of one layer (key/value heads x tokens x head dimension), once there are
/// any.
#[derive(Default)]
pub(super) struct KeysValues(Option<(Tensor, Tensor)>);

impl KeysValues {
    /// Adds those of new tokens; gives all.
    fn extend(&mut self, keys: Tensor, values: Tensor) -> Result<(Tensor, Tensor), Error> {
        let all = match &self.0 {
            None => (keys, values),
            Some((old_keys, old_values)) => (
                Tensor::cat(&[old_keys, &keys], 1)?,
                Tensor::cat(&[old_values, &values], 1)?,
            ),
        };
        self.0 = Some(all.clone());
        Ok(all)
    }
}

impl Attention {
    pub fn load(config: &DecoderConfig, weights: &Weights, name: &str) -> Result<Self, Error> {
        let (heads, kv_heads, head_dim) = (
            config.num_attention_heads,
            config.kv_heads(),
            config.head_dim(),
        );
        let input = |part: &str, heads: usize| {
            let (name, bias) = (format!("{name}.{part}"), config.qkv_bias());
            Linear::load(weights, &name, heads * head_dim, config.hidden_size, bias)
        };
        Ok(Attention {
            query: input("q_proj", heads)?,
            key: input("k_proj", kv_heads)?,
            value: input("v_proj", kv_heads)?,
            output: Linear::load(
                weights,
                &format!("{name}.o_proj"),
                config.hidden_size,
                heads * head_dim,
                config.output_bias(),
            )?,
            heads,
            kv_heads,
            head_dim,
        })
    }

    pub fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        mask: Option<&Tensor>,
        seen: &mut KeysValues,
    ) -> Result<Tensor, Error> {
        let (heads, kv_heads, dim) = (self.heads, self.kv_heads, self.head_dim);
        let new = x.dim(0)?;
        let queries = split_heads(&self.query.forward(x)?, heads, dim)?;
        let queries = (rotation.apply(&queries)? * (dim as f64).powf(-0.5))?;
        let keys = rotation.apply(&split_heads(&self.key.forward(x)?, kv_heads, dim)?)?;
        let values = split_heads(&self.value.forward(x)?, kv_heads, dim)?;
        let (keys, values) = seen.extend(keys, values)?;
        let all = keys.dim(1)?;

        // The query heads of a group are laid end to end, so that keys and values need no copies.
        let grouped = heads / kv_heads * new;
        let queries = queries.reshape((kv_heads, grouped, dim))?;
        let scores = queries.matmul(&keys.t()?)?;
        let scores = match mask {
            Some(mask) => scores.reshape((heads, new, all))?.broadcast_add(mask)?,
            None => scores,
        };
        let shares = softmax_last_dim(&scores)?.reshape((kv_heads, grouped, all))?;
        let mixed = shares.matmul(&values)?.reshape((heads, new, dim))?;
        self.output.forward(&join_heads(&mixed)?)
    }
}
