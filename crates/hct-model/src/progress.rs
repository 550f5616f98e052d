//! Telling a caller how far a long run is.

/// Receives progress, from one thread at a time.
pub trait Progress: Sync {
    /// `bytes` more of the uncompressed tensors are done; `tensor` was the last of them.
    fn advance(&self, bytes: u64, tensor: &str);

    /// Whether to stop; asked between tensors. A stopped run leaves nothing behind.
    fn cancelled(&self) -> bool {
        false
    }

    /// Everything begins again, for the `pass`th time.
    fn restart(&self, pass: usize) {
        let _ = pass;
    }
}

/// Nobody listens.
impl Progress for () {
    fn advance(&self, _bytes: u64, _tensor: &str) {}
}
