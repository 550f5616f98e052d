//! Hashing what is coded.

use hct_core::ContentHash;

/// The hash of so many bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(bytes).as_bytes())
}

/// The hash of bytes that come one after the other.
#[derive(Default)]
pub(crate) struct RunningHash(blake3::Hasher);

impl RunningHash {
    /// The next bytes, on all threads.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update_rayon(bytes);
    }

    /// That of all so far.
    pub fn finish(&self) -> ContentHash {
        ContentHash(*self.0.finalize().as_bytes())
    }
}
