//! Derivatives of what layers are made of, by hand: the operations that are used forwards have none
//! of their own in the engine, and gradients of matrices, which nobody here wants, cost as much as
//! everything else.
//!
//! `g` is always the gradient of some loss with respect to the result.

mod gelu;
mod norms;
mod softmax;

pub(crate) use gelu::gelu;
pub(crate) use norms::{layer_norm, rms_norm, rms_norm_weight};
pub(crate) use softmax::softmax;
