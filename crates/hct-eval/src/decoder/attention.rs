//! Causal self-attention in which several query heads share a key/value head.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;

use super::causal::{Causal, Shares};
use super::rope::Rotation;
use crate::Error;
use crate::config::DecoderConfig;
use crate::linear::{Linear, join_heads, split_heads};
use crate::passage::Passage;
use crate::rows::{scaled, sum};
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

/// The keys and values of one layer for several texts, (texts * key/value heads) x tokens x head
/// dimension. Those of the last few tokens are apart, so that not all are copied for every token.
#[derive(Default)]
pub(super) struct BatchKeysValues {
    old: KeysValues,
    new: KeysValues,
}

/// What went on within the attention to some tokens.
pub(super) struct Trace {
    causal: Causal,
    shares: Vec<Shares>,
    /// Tokens x (heads * dimension).
    mixed: Tensor,
}

/// One more token of each of several texts.
pub(super) struct Step<'a> {
    pub rotation: &'a Rotation,
    pub seen: &'a mut BatchKeysValues,
}

/// Tokens that are kept apart at most.
const NEW: usize = 32;

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
        seen: &mut KeysValues,
    ) -> Result<Tensor, Error> {
        let queries = self.queries(x, rotation)?;
        let (keys, values) = self.keys_values(x, rotation)?;
        let (keys, values) = seen.extend(keys, values)?;
        let causal = Causal {
            queries,
            keys,
            values,
        };
        let (mixed, _) = causal.attend()?;
        self.output.forward(&join_heads(&mixed)?)
    }

    /// The same with nothing seen before; and what [`Self::backward`] needs of it.
    pub fn forward_traced(
        &self,
        x: &Tensor,
        rotation: &Rotation,
    ) -> Result<(Tensor, Trace), Error> {
        let queries = self.queries(x, rotation)?;
        let (keys, values) = self.keys_values(x, rotation)?;
        let causal = Causal {
            queries,
            keys,
            values,
        };
        let (mixed, shares) = causal.attend()?;
        let mixed = join_heads(&mixed)?;
        let trace = Trace {
            causal,
            shares,
            mixed,
        };
        Ok((self.output.forward(&trace.mixed)?, trace))
    }

    /// What [`Self::forward`] gives for the last token of each of several texts (texts x hidden),
    /// which have been seen up to that.
    pub fn step(&self, x: &Tensor, step: &mut Step) -> Result<Tensor, Error> {
        let (texts, kv_heads, dim) = (x.dim(0)?, self.kv_heads, self.head_dim);
        let rotated =
            |x: Tensor, heads: usize| step.rotation.apply(&x.reshape((texts * heads, 1, dim))?);
        let queries = scaled(&rotated(self.query.forward(x)?, self.heads)?, |_| {
            self.scale()
        })?;
        let queries = queries.reshape((texts * kv_heads, self.heads / kv_heads, dim))?;
        let keys = rotated(self.key.forward(x)?, kv_heads)?;
        let values = self.value.forward(x)?.reshape((texts * kv_heads, 1, dim))?;
        let (keys, values) = step.seen.new.extend(keys, values)?;

        let scores = queries.matmul(&keys.t()?)?;
        let mixed = match &step.seen.old.0 {
            None => softmax_last_dim(&scores)?.matmul(&values)?,
            Some((old_keys, old_values)) => {
                let old = old_keys.dim(1)?;
                let old_scores = queries.matmul(&old_keys.t()?)?;
                let shares = softmax_last_dim(&Tensor::cat(&[&old_scores, &scores], 2)?)?;
                let of_old = shares.narrow(2, 0, old)?.contiguous()?;
                let of_new = shares.narrow(2, old, keys.dim(1)?)?.contiguous()?;
                sum(&of_old.matmul(old_values)?, &of_new.matmul(&values)?)?
            }
        };
        if keys.dim(1)? == NEW {
            step.seen.old.extend(keys, values)?;
            step.seen.new = KeysValues::default();
        }
        self.output
            .forward(&mixed.reshape((texts, self.heads * dim))?)
    }

    /// The gradient with respect to `x`, given that with respect to [`Self::forward_traced`] of it,
    /// and what went through the layers: queries, keys and values; output.
    pub fn backward(
        &self,
        x: &Tensor,
        trace: Trace,
        rotation: &Rotation,
        g: &Tensor,
    ) -> Result<(Tensor, [Passage; 2]), Error> {
        let scale = self.scale();
        let of_mixed = split_heads(&self.output.backward(g)?, self.heads, self.head_dim)?;
        let of = trace.causal.backward(&trace.shares, &of_mixed)?;

        let of_queries = join_heads(&rotation.undo(&scaled(&of.queries, |_| scale)?)?)?;
        let of_keys = join_heads(&rotation.undo(&of.keys)?)?;
        let of_values = join_heads(&of.values)?;
        let of_x = sum(
            &self.query.backward(&of_queries)?,
            &self.key.backward(&of_keys)?,
        )?;
        let of_x = sum(&of_x, &self.value.backward(&of_values)?)?;
        let input = Passage {
            input: x.clone(),
            gradients: vec![of_queries, of_keys, of_values],
        };
        let output = Passage {
            input: trace.mixed,
            gradients: vec![g.clone()],
        };
        Ok((of_x, [input, output]))
    }

    /// Of the scores.
    fn scale(&self) -> f32 {
        (self.head_dim as f64).powf(-0.5) as f32
    }

    /// Scaled: key/value heads x query heads of each x tokens x dimension.
    fn queries(&self, x: &Tensor, rotation: &Rotation) -> Result<Tensor, Error> {
        let (heads, dim) = (self.heads, self.head_dim);
        let queries = split_heads(&self.query.forward(x)?, heads, dim)?;
        let queries = scaled(&rotation.apply(&queries)?, |_| self.scale())?;
        let group = heads / self.kv_heads;
        Ok(queries.reshape((self.kv_heads, group, x.dim(0)?, dim))?)
    }

    fn keys_values(&self, x: &Tensor, rotation: &Rotation) -> Result<(Tensor, Tensor), Error> {
        let split = |x: &Tensor| split_heads(x, self.kv_heads, self.head_dim);
        let keys = rotation.apply(&split(&self.key.forward(x)?)?)?;
        Ok((keys, split(&self.value.forward(x)?)?))
    }
}
