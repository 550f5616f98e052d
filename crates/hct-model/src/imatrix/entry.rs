//! What an importance matrix says of one tensor.

/// What is known of one tensor.
pub(super) struct Entry {
    /// Mean squares of the elements of its inputs.
    pub squares: Vec<f32>,
    /// Tokens, or in the older form the calls that it has instead.
    pub tokens: u64,
}
