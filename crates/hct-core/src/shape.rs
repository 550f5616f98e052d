//! Shapes of tensors.

/// Elements of a tensor of `shape`: the product of its dimensions, 1 for a scalar. `None` where they
/// are too many to count.
pub fn element_count(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d))
}
