//! One decoder layer: attention and a gated MLP, each on normalised input and added to it.

use candle_core::Tensor;

use super::attention::{Attention, KeysValues, Step};
use super::gated;
use super::rope::Rotation;
use crate::Error;
use crate::config::DecoderConfig;
use crate::derivative;
use crate::linear::Linear;
use crate::passage::Passage;
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

    pub fn backward(&self, x: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
        derivative::rms_norm(x, &self.weight, self.epsilon, g)
    }
}

/// The linear layers of a layer, those with the same input together.
pub(super) const INPUTS: [&[&str]; 4] = [
    &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    &["self_attn.o_proj"],
    &["mlp.gate_proj", "mlp.up_proj"],
    &["mlp.down_proj"],
];

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
        seen: &mut KeysValues,
    ) -> Result<Tensor, Error> {
        let normed = self.attention_norm.forward(x)?;
        self.mlp((x + self.attention.forward(&normed, rotation, seen)?)?)
    }

    /// What [`Self::forward`] gives for one more token of each of several texts (texts x hidden).
    pub fn step(&self, x: &Tensor, step: &mut Step) -> Result<Tensor, Error> {
        let normed = self.attention_norm.forward(x)?;
        self.mlp((x + self.attention.step(&normed, step)?)?)
    }

    fn mlp(&self, x: Tensor) -> Result<Tensor, Error> {
        let normed = self.mlp_norm.forward(&x)?;
        let (gate, up) = (self.gate.forward(&normed)?, self.up.forward(&normed)?);
        let gated = gated::gated_silu(&gate, &up)?;
        Ok((&x + self.down.forward(&gated)?)?)
    }

    /// The gradient with respect to `x`, given that with respect to [`Self::forward`] of it (with
    /// nothing seen before), and what went through the layers, in the order of [`INPUTS`].
    pub fn backward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        g: &Tensor,
    ) -> Result<(Tensor, Vec<Passage>), Error> {
        let normed = self.attention_norm.forward(x)?;
        let (attended, trace) = self.attention.forward_traced(&normed, rotation)?;
        let middle = (x + attended)?;
        let mlp_input = self.mlp_norm.forward(&middle)?;
        let (gate, up) = (self.gate.forward(&mlp_input)?, self.up.forward(&mlp_input)?);
        let gated = gated::gated_silu(&gate, &up)?;

        let of_gated = self.down.backward(g)?;
        let [of_gate, of_up] = gated::backward(&gate, &up, &of_gated)?;
        let of_input = (self.gate.backward(&of_gate)? + self.up.backward(&of_up)?)?;
        let of_middle = (g + self.mlp_norm.backward(&middle, &of_input)?)?;

        let (of_normed, [input, output]) = self
            .attention
            .backward(&normed, trace, rotation, &of_middle)?;
        let of_x = (&of_middle + self.attention_norm.backward(x, &of_normed)?)?;
        let mlp = Passage {
            input: mlp_input,
            gradients: vec![of_gate, of_up],
        };
        let down = Passage {
            input: gated,
            gradients: vec![g.clone()],
        };
        Ok((of_x, vec![input, output, mlp, down]))
    }
}
