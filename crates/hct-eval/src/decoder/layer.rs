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
use crate::rows::sum;
use crate::weights::Weights;

pub(super) struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

/// What went through a normalisation: its input and the gradient with respect to its output, tokens x
/// width.
pub(super) struct NormPassage {
    pub input: Tensor,
    pub gradient: Tensor,
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

    /// The gradient with respect to the weight.
    pub fn weight_gradient(&self, passage: &NormPassage) -> Result<Vec<f64>, Error> {
        derivative::rms_norm_weight(&passage.input, self.epsilon, &passage.gradient)
    }

    /// The weight, which may be given other numbers, as many.
    pub fn weight(&mut self) -> &mut Tensor {
        &mut self.weight
    }
}

/// The linear layers of a layer, those with the same input together.
pub(super) const INPUTS: [&[&str]; 4] = [
    &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    &["self_attn.o_proj"],
    &["mlp.gate_proj", "mlp.up_proj"],
    &["mlp.down_proj"],
];

/// The normalisations of a layer.
pub(super) const NORMS: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];

pub(super) struct Layer {
    attention_norm: RmsNorm,
    attention: Attention,
    mlp_norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// What [`Layer::backward`] gives.
pub(super) struct Gradients {
    /// With respect to the input of the layer.
    pub input: Tensor,
    /// What went through the linear layers, in the order of [`INPUTS`].
    pub passages: Vec<Passage>,
    /// What went through the normalisations, in the order of [`NORMS`].
    pub norms: [NormPassage; 2],
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
            attention_norm: RmsNorm::load(config, weights, &name(NORMS[0]))?,
            attention: Attention::load(config, weights, &name("self_attn"))?,
            mlp_norm: RmsNorm::load(config, weights, &name(NORMS[1]))?,
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
        self.mlp(sum(x, &self.attention.forward(&normed, rotation, seen)?)?)
    }

    /// What [`Self::forward`] gives for one more token of each of several texts (texts x hidden).
    pub fn step(&self, x: &Tensor, step: &mut Step) -> Result<Tensor, Error> {
        let normed = self.attention_norm.forward(x)?;
        self.mlp(sum(x, &self.attention.step(&normed, step)?)?)
    }

    fn mlp(&self, x: Tensor) -> Result<Tensor, Error> {
        let normed = self.mlp_norm.forward(&x)?;
        let (gate, up) = (self.gate.forward(&normed)?, self.up.forward(&normed)?);
        let gated = gated::gated_silu(&gate, &up)?;
        sum(&x, &self.down.forward(&gated)?)
    }

    /// The normalisations, in the order of [`NORMS`].
    pub fn norms(&mut self) -> [&mut RmsNorm; 2] {
        [&mut self.attention_norm, &mut self.mlp_norm]
    }

    /// The gradients with respect to the weights of the normalisations, in the order of [`NORMS`].
    pub fn norm_gradients(
        &self,
        [attention, mlp]: &[NormPassage; 2],
    ) -> Result<[Vec<f64>; 2], Error> {
        Ok([
            self.attention_norm.weight_gradient(attention)?,
            self.mlp_norm.weight_gradient(mlp)?,
        ])
    }

    /// The gradients, given that with respect to [`Self::forward`] of `x` (with nothing seen before).
    pub fn backward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        g: &Tensor,
    ) -> Result<Gradients, Error> {
        let normed = self.attention_norm.forward(x)?;
        let (attended, trace) = self.attention.forward_traced(&normed, rotation)?;
        let middle = sum(x, &attended)?;
        let mlp_input = self.mlp_norm.forward(&middle)?;
        let (gate, up) = (self.gate.forward(&mlp_input)?, self.up.forward(&mlp_input)?);
        let gated = gated::gated_silu(&gate, &up)?;

        let of_gated = self.down.backward(g)?;
        let [of_gate, of_up] = gated::backward(&gate, &up, &of_gated)?;
        let of_input = sum(&self.gate.backward(&of_gate)?, &self.up.backward(&of_up)?)?;
        let of_middle = sum(g, &self.mlp_norm.backward(&middle, &of_input)?)?;

        let (of_normed, [input, output]) = self
            .attention
            .backward(&normed, trace, rotation, &of_middle)?;
        let of_x = sum(&of_middle, &self.attention_norm.backward(x, &of_normed)?)?;
        let mlp = Passage {
            input: mlp_input,
            gradients: vec![of_gate, of_up],
        };
        let down = Passage {
            input: gated,
            gradients: vec![g.clone()],
        };
        let norm = |input, gradient| NormPassage { input, gradient };
        Ok(Gradients {
            input: of_x,
            passages: vec![input, output, mlp, down],
            norms: [norm(x.clone(), of_normed), norm(middle, of_input)],
        })
    }
}
