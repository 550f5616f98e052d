//! Carried files: headers and side files, zlib-packed where that helps.

use std::io::Read;

use flate2::read::ZlibDecoder;
use miniz_oxide::deflate::compress_to_vec_zlib;

/// Stored as they are.
const PLAIN: u8 = 0;
/// A zlib stream (RFC 1950).
const ZLIB: u8 = 1;

/// The highest level of zlib.
const LEVEL: u8 = 9;

/// The stored bytes and their packing code.
pub(crate) fn pack(bytes: &[u8]) -> (Vec<u8>, u8) {
    // Not through flate2, whose backend, and with it the bytes, is whatever any crate of the
    // build has asked for.
    let packed = compress_to_vec_zlib(bytes, LEVEL);
    if packed.len() < bytes.len() {
        (packed, ZLIB)
    } else {
        (bytes.to_vec(), PLAIN)
    }
}

/// Inverse of [`pack`]; `len` is the length that the file promises, which bounds what is made.
///
/// Returns what is wrong in words on failure.
pub(crate) fn unpack(stored: &[u8], packing: u8, len: u64) -> Result<Vec<u8>, String> {
    let bytes = match packing {
        PLAIN => stored.to_vec(),
        ZLIB => {
            let mut bytes = Vec::new();
            // One more than promised shows a stream that is too long.
            let mut stream = ZlibDecoder::new(stored).take(len.saturating_add(1));
            stream
                .read_to_end(&mut bytes)
                .map_err(|error| format!("its zlib stream is damaged: {error}"))?;
            if bytes.len() as u64 == len && stream.into_inner().total_in() != stored.len() as u64 {
                return Err("something follows its zlib stream".into());
            }
            bytes
        }
        other => return Err(format!("packing {other} is reserved")),
    };
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err(format!("it should unpack to {len} bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_inverts_and_lies_about_length_are_found() {
        for bytes in [vec![], vec![7; 5000], (0..=255).collect()] {
            let (stored, packing) = pack(&bytes);
            let len = bytes.len() as u64;
            assert_eq!(unpack(&stored, packing, len).unwrap(), bytes);
            assert!(unpack(&stored, packing, len + 1).is_err());
            if len > 0 {
                assert!(unpack(&stored, packing, len - 1).is_err());
            }
        }
        let (mut stored, packing) = pack(&[7; 5000]);
        stored.push(0);
        assert!(
            unpack(&stored, packing, 5000)
                .unwrap_err()
                .contains("follows")
        );
        assert!(unpack(&[1, 2, 3], ZLIB, 3).is_err());
        assert!(unpack(&[], 9, 0).is_err());
    }
}
