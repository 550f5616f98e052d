//! One decoder layer: attention and a gated MLP, each on normalised input and added to it.

use candle_core::Tensor;

use super::attention::{Attention, KeysValues};
use super::rope::Rotation;
use crate::Error;
use crate::config::DecoderConfig;
use crate::linear::Linear;
use crate::weights::Weights;

pub(super) struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    pub fn load(config: &DecoderConfig, weights: &Weights, name: &str) -> Result<Self, Error> {
        Ok(RmsNorm {
            weight: weights.tensor(&format!("{name}.weight"), &[config.hidden_size])?,
            epsilon: config.rms_norm_eps as f32,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        Ok(candle_nn::ops::rms_norm(x, &self.weight, self.epsilon)?)
    }
}

pub(super) struct Layer {
    attention_norm: RmsNorm,
    attention: Attention,
    mlp_norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Layer {
    pub fn load(config: &DecoderConfig, weights: &Weights, number: usize) -> Result<Self, Error> {
        let name = |part: &str| format!("layers.{number}.{part}");
        let mlp = |part: &str, outputs, inputs| {
            let name = name(&format!("mlp.{part}"));
            Linear::load(weights, &name, outputs, inputs, config.mlp_bias)
        };
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Layer {
            attention_norm: RmsNorm::load(config, weights, &name("input_layernorm"))?,
            attention: Attention::load(config, weights, &name("self_attn"))?,
            mlp_norm: RmsNorm::load(config, weights, &name("post_attention_layernorm"))?,
            gate: mlp("gate_proj", inner, hidden)?,
            up: mlp("up_proj", inner, hidden)?,
            down: mlp("down_proj", hidden, inner)?,
        })
    }

    pub fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        mask: Option<&Tensor>,
        seen: &mut KeysValues,
    ) -> Result<Tensor, Error> {
        let normed = self.attention_norm.forward(x)?;
        let x = (x + self.attention.forward(&normed, rotation, mask, seen)?)?;
        let normed = self.mlp_norm.forward(&x)?;
        let gated = (self.gate.forward(&normed)?.silu()? * self.up.forward(&normed)?)?;
        Ok((&x + self.down.forward(&gated)?)?)
    }
}
