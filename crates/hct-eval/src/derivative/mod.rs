//! Derivatives of what layers are made of, by hand: the operations that are used forwards have none
//! of their own in the engine, and gradients of weights, which nobody here wants, cost as much as
//! everything else.
//!
//! `g` is always the gradient of some loss with respect to the result.

mod norms;
mod pointwise;
mod rows;
mod softmax;

pub(crate) use norms::{layer_norm, rms_norm};
pub(crate) use pointwise::{gated_silu, gelu};
pub(crate) use rows::values;
pub(crate) use softmax::softmax;
