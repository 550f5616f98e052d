//! The layer both kinds of model are mostly made of.

use candle_core::Tensor;

use crate::Error;
use crate::rows::plus_row;
use crate::weights::Weights;

/// A matrix product and, perhaps, a bias.
pub(crate) struct Linear {
    /// Outputs x inputs, as stored.
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Takes `{name}.weight` and, if there is to be one, `{name}.bias`.
    pub fn load(
        weights: &Weights,
        name: &str,
        outputs: usize,
        inputs: usize,
        has_bias: bool,
    ) -> Result<Linear, Error> {
        let bias = has_bias.then(|| weights.tensor(&format!("{name}.bias"), &[outputs]));
        Ok(Linear {
            weight: weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: bias.transpose()?,
        })
    }

    /// A layer without a bias that has this matrix.
    pub fn from_weight(weight: Tensor) -> Linear {
        Linear { weight, bias: None }
    }

    /// Rows x inputs to rows x outputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let product = x.matmul(&self.weight.t()?)?;
        Ok(match &self.bias {
            Some(bias) => plus_row(&product, bias)?,
            None => product,
        })
    }

    /// The gradient with respect to the input (rows x inputs), given that with respect to the
    /// output (rows x outputs).
    pub fn backward(&self, g: &Tensor) -> Result<Tensor, Error> {
        Ok(g.matmul(&self.weight)?)
    }
}

/// Rows x (heads * dim) to heads x rows x dim.
pub(crate) fn split_heads(x: &Tensor, heads: usize, dim: usize) -> Result<Tensor, Error> {
    let rows = x.dim(0)?;
    Ok(x.reshape((rows, heads, dim))?
        .transpose(0, 1)?
        .contiguous()?)
}

/// Heads x rows x dim to rows x (heads * dim).
pub(crate) fn join_heads(x: &Tensor) -> Result<Tensor, Error> {
    let (heads, rows, dim) = x.dims3()?;
    Ok(x.transpose(0, 1)?.reshape((rows, heads * dim))?)
}
