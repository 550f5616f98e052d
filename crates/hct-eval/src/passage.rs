//! What went through linear layers.

use candle_core::Tensor;

/// Linear layers that were given the same input, on the tokens of a window.
pub(crate) struct Passage {
    /// Tokens x inputs.
    pub input: Tensor,
    /// For each of the layers the gradient with respect to its outputs, tokens x outputs.
    pub gradients: Vec<Tensor>,
}
