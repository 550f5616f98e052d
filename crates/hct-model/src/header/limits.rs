//! How large a header may be.

/// The largest header that is read; the safetensors library has the same limit.
pub(crate) const MAX_HEADER_LEN: u64 = 100_000_000;

/// Most entries of `__metadata__`: a header of nothing else would take seventeen times its length of
/// memory.
pub(crate) const MAX_METADATA: usize = 1 << 16;

/// Most tensors of a file, or of the index of several; HCT files have the same limit.
pub(crate) const MAX_TENSORS: usize = 1 << 20;
