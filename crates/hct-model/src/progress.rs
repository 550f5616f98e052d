//! Telling a caller how far a long run is.

use hct_core::TensorRecord;

/// Receives progress, from one thread at a time, not always the same.
pub trait Progress: Sync {
    /// `bytes` more of the uncompressed tensors are done; `tensor` was the last of them.
    fn advance(&self, bytes: u64, tensor: &str);

    /// A tensor has been coded and written: its record, and what its errors are predicted to do to the
    /// output, in nats of KL divergence for a language model, where a calibration tells.
    fn coded(&self, record: &TensorRecord, damage: Option<f64>) {
        let _ = (record, damage);
    }

    /// Whether to stop; asked between tensors, or parts of large ones. A stopped run leaves nothing behind.
    fn cancelled(&self) -> bool {
        false
    }

    /// Everything is written, and is read again from here on, of which [`Progress::checked`] tells.
    fn checking(&self) {}

    /// So many more bytes of tensors, uncompressed, have been read again; told by several threads.
    fn checked(&self, bytes: u64) {
        let _ = bytes;
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
