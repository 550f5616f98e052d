//! One encoder layer: attention and an MLP, each added to its input and then normalised.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;

use crate::Error;
use crate::config::EncoderConfig;
use crate::linear::{Linear, join_heads, split_heads};
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
}

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

    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let split = |x: &Tensor| split_heads(x, self.heads, self.head_dim);
        let queries = (split(&self.query.forward(x)?)? * (self.head_dim as f64).powf(-0.5))?;
        let keys = split(&self.key.forward(x)?)?;
        let shares = softmax_last_dim(&queries.matmul(&keys.t()?)?)?;
        let mixed = shares.matmul(&split(&self.value.forward(x)?)?)?;
        let attended = self.output.forward(&join_heads(&mixed)?)?;
        let x = self.attention_norm.forward(&(x + attended)?)?;
        let inner = self.up.forward(&x)?.gelu_erf()?;
        self.norm.forward(&(&x + self.down.forward(&inner)?)?)
    }
}
