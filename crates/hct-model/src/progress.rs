//! Telling a caller how far a long run is.

/// Receives progress, from one thread at a time.
pub trait Progress: Sync {
    /// `bytes` more of the uncompressed tensors are done; `tensor` was the last of them.
    fn advance(&self, bytes: u64, tensor: &str);
}

/// Nobody listens.
impl Progress for () {
    fn advance(&self, _bytes: u64, _tensor: &str) {}
}
