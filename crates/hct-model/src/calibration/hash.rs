//! What a whole model is known by.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::tensor_source::TensorSource;

/// SHA-256, in hexadecimal, over the names, types, shapes and bytes of all tensors, by name: the
/// same for the same tensors, however they are stored.
///
/// # Errors
/// When a tensor cannot be read.
pub fn model_hash(source: &dyn TensorSource) -> Result<String, Error> {
    let tensors = source.tensors().iter().enumerate();
    let by_name: BTreeMap<&str, usize> = tensors.map(|(i, t)| (t.name.as_str(), i)).collect();
    let mut hash = Sha256::new();
    for (name, index) in by_name {
        let info = &source.tensors()[index];
        let bytes = source.read(index)?;
        // Each part is preceded by its length, so that no two models run together the same.
        for part in [name, info.dtype.name(), &format!("{:?}", info.shape)] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hex(&hash.finalize()))
}

/// SHA-256 of the bytes of a text, in hexadecimal.
pub fn text_hash(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
