//! Hashing what is coded.

use hct_core::ContentHash;

/// The hash of so many bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(bytes).as_bytes())
}
