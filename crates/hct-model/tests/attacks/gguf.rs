//! GGUF headers that promise more than is read; other lies of theirs are in `tests/gguf.rs`.

use hct_model::{GgufError, GgufHeader};

/// A header of version 3 that says how many tensors and keys there are, in a file that could have them.
fn counts(tensors: u64, keys: u64) -> GgufError {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(keys.to_le_bytes());
    GgufHeader::parse(&bytes, 1 << 40).unwrap_err()
}

#[test]
fn more_keys_or_tensors_than_are_read() {
    for (tensors, keys, what) in [((1 << 20) + 1, 0, "tensors"), (0, (1 << 16) + 1, "keys")] {
        let error = counts(tensors, keys);
        assert!(
            matches!(error, GgufError::TooMany { what: of, .. } if of == what),
            "{error:?}"
        );
    }
    assert!(matches!(
        counts(1 << 20, 1 << 16),
        GgufError::CutShort { .. }
    ));
}
