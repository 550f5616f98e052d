//! What calibration needs of a model: its layers one by one, forwards and backwards, and what comes
//! before and after them.

use candle_core::Tensor;
use hct_model::StatisticsGroup;

use crate::Error;
use crate::passage::Passage;

/// Sequences of tokens that are run together, though none sees another.
pub(crate) struct Sequences {
    /// The tokens of all, one sequence after the other.
    pub tokens: Vec<u32>,
    /// How many tokens each has.
    pub lengths: Vec<usize>,
    /// What everything drawn at random for them is drawn by.
    pub seed: u64,
}

/// A model as a stack of layers.
pub(crate) trait Layered: Sync {
    /// What all layers are told of a window, such as who sees whom.
    type Around: Send;
    /// What is summed over tokens before the first layer and after the last.
    type Ends: Send;

    /// How many layers there are.
    fn layers(&self) -> usize;

    /// Numbers per token between layers.
    fn width(&self) -> usize;

    /// The linear layers of layer `number`, in the order of its [`Passage`]s; the names of their
    /// matrices in the checkpoint.
    fn names(&self, number: usize) -> Vec<Vec<String>>;

    /// What the layers are told.
    fn around(&self, window: &Sequences) -> Result<Self::Around, Error>;

    /// What the first layer is given, tokens x width.
    fn enter(&self, window: &Sequences) -> Result<Tensor, Error>;

    /// What layer `number` makes of `x`.
    fn forward(&self, number: usize, x: &Tensor, around: &Self::Around) -> Result<Tensor, Error>;

    /// The gradient with respect to `x`, given that with respect to [`Self::forward`] of it, and
    /// what went through the linear layers.
    fn backward(
        &self,
        number: usize,
        x: &Tensor,
        around: &Self::Around,
        g: &Tensor,
    ) -> Result<(Tensor, Vec<Passage>), Error>;

    /// Nothing summed yet.
    fn no_ends(&self) -> Self::Ends;

    /// The gradient with respect to the output `x` of the last layer; adds to `ends`.
    fn leave(&self, window: &Sequences, x: &Tensor, ends: &mut Self::Ends)
    -> Result<Tensor, Error>;

    /// Adds to `ends` what the gradient with respect to [`Self::enter`] tells.
    fn enter_backward(
        &self,
        window: &Sequences,
        g: &Tensor,
        ends: &mut Self::Ends,
    ) -> Result<(), Error>;

    /// The statistics of what is before and after the layers, given the sums over each half of the
    /// windows and how many tokens that was.
    fn ends(
        &self,
        halves: [Self::Ends; 2],
        tokens: [u64; 2],
    ) -> Result<Vec<StatisticsGroup>, Error>;
}
