//! One encoder layer: attention and an MLP, each added to its input and then normalised.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;

use crate::Error;
use crate::config::EncoderConfig;
use crate::derivative;
use crate::linear::{Linear, join_heads, split_heads};
use crate::passage::Passage;
use crate::rows::{scaled, sum};
use crate::weights::Weights;

pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f32,
}

impl LayerNorm {
    pub fn load(config: &EncoderConfig, weights: &Weights, name: &str) -> Result<Self, Error> {
        let size = [config.hidden_size];
        Ok(LayerNorm {
            weight: weights.tensor(&format!("{name}.weight"), &size)?,
            bias: weights.tensor(&format!("{name}.bias"), &size)?,
            epsilon: config.layer_norm_eps as f32,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let (weight, bias) = (&self.weight, &self.bias);
        Ok(candle_nn::ops::layer_norm(x, weight, bias, self.epsilon)?)
    }

    pub fn backward(&self, x: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
        derivative::layer_norm(x, &self.weight, self.epsilon, g)
    }
}

/// The linear layers of a layer, those with the same input together.
pub(super) const INPUTS: [&[&str]; 4] = [
    &[
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    &["attention.output.dense"],
    &["intermediate.dense"],
    &["output.dense"],
];

pub(super) struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    norm: LayerNorm,
    heads: usize,
    head_dim: usize,
}

impl Layer {
    pub fn load(config: &EncoderConfig, weights: &Weights, number: usize) -> Result<Self, Error> {
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let linear =
            |part: &str, outputs, inputs| Linear::load(weights, &name(part), outputs, inputs, true);
        let norm = |part: &str| LayerNorm::load(config, weights, &name(part));
        Ok(Layer {
            query: linear("attention.self.query", hidden, hidden)?,
            key: linear("attention.self.key", hidden, hidden)?,
            value: linear("attention.self.value", hidden, hidden)?,
            output: linear("attention.output.dense", hidden, hidden)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            up: linear("intermediate.dense", inner, hidden)?,
            down: linear("output.dense", hidden, inner)?,
            norm: norm("output.LayerNorm")?,
            heads: config.num_attention_heads,
            head_dim: config.head_dim(),
        })
    }

    /// Each token sees all others, or those that `mask` (tokens x tokens, added to the scores)
    /// lets it see.
    pub fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor, Error> {
        let queries = self.queries(x)?;
        let keys = self.split(&self.key.forward(x)?)?;
        let shares = attention_shares(&queries, &keys, mask)?;
        let mixed = shares.matmul(&self.split(&self.value.forward(x)?)?)?;
        let attended = self.output.forward(&join_heads(&mixed)?)?;
        let x = self.attention_norm.forward(&sum(x, &attended)?)?;
        let inner = self.up.forward(&x)?.gelu_erf()?;
        self.norm.forward(&sum(&x, &self.down.forward(&inner)?)?)
    }

    /// The gradient with respect to `x`, given that with respect to [`Self::forward`] of it, and
    /// what went through the layers, in the order of [`INPUTS`].
    pub fn backward(
        &self,
        x: &Tensor,
        mask: Option<&Tensor>,
        g: &Tensor,
    ) -> Result<(Tensor, Vec<Passage>), Error> {
        let queries = self.queries(x)?;
        let keys = self.split(&self.key.forward(x)?)?;
        let values = self.split(&self.value.forward(x)?)?;
        let shares = attention_shares(&queries, &keys, mask)?;
        let mixed = join_heads(&shares.matmul(&values)?)?;
        let attended = sum(x, &self.output.forward(&mixed)?)?;
        let middle = self.attention_norm.forward(&attended)?;
        let up = self.up.forward(&middle)?;
        let inner = up.gelu_erf()?;
        let last = sum(&middle, &self.down.forward(&inner)?)?;

        let of_last = self.norm.backward(&last, g)?;
        let of_up = derivative::gelu(&up, &self.down.backward(&of_last)?)?;
        let of_middle = sum(&of_last, &self.up.backward(&of_up)?)?;
        let of_attended = self.attention_norm.backward(&attended, &of_middle)?;

        let of_mixed = self.split(&self.output.backward(&of_attended)?)?;
        let of_values = join_heads(&shares.t()?.matmul(&of_mixed)?)?;
        let of_scores = derivative::softmax(&shares, &of_mixed.matmul(&values.t()?)?)?;
        let of_keys = join_heads(&of_scores.t()?.matmul(&queries)?)?;
        let of_queries = join_heads(&scaled(&of_scores.matmul(&keys)?, |_| self.scale())?)?;
        let of_x = sum(&of_attended, &self.query.backward(&of_queries)?)?;
        let of_x = sum(&of_x, &self.key.backward(&of_keys)?)?;
        let of_x = sum(&of_x, &self.value.backward(&of_values)?)?;
        let passage = |input, gradients| Passage { input, gradients };
        let passages = vec![
            passage(x.clone(), vec![of_queries, of_keys, of_values]),
            passage(mixed, vec![of_attended]),
            passage(middle, vec![of_up]),
            passage(inner, vec![of_last]),
        ];
        Ok((of_x, passages))
    }

    fn split(&self, x: &Tensor) -> Result<Tensor, Error> {
        split_heads(x, self.heads, self.head_dim)
    }

    fn scale(&self) -> f32 {
        (self.head_dim as f64).powf(-0.5) as f32
    }

    /// Scaled; heads x tokens x dim.
    fn queries(&self, x: &Tensor) -> Result<Tensor, Error> {
        scaled(&self.split(&self.query.forward(x)?)?, |_| self.scale())
    }
}

/// How much of each value goes into each result: heads x tokens x tokens.
fn attention_shares(
    queries: &Tensor,
    keys: &Tensor,
    mask: Option<&Tensor>,
) -> Result<Tensor, Error> {
    let scores = queries.matmul(&keys.t()?)?;
    Ok(match mask {
        Some(mask) => softmax_last_dim(&scores.broadcast_add(mask)?)?,
        None => softmax_last_dim(&scores)?,
    })
}
