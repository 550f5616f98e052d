//! Hashes of what was coded.

use crate::wire::Reader;
use crate::{Error, Result};

/// The BLAKE3 hash (Aumasson, Neves, O'Connor, Wilcox-O'Hearn 2020) of 32 bytes of what a tensor or a
/// carried file was before it was coded. Of a tensor that comes back bit for bit it proves that it did;
/// of another it tells what it was made of.
///
/// This crate carries hashes and computes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

/// An entry without a hash.
const NONE: u8 = 0;
const BLAKE3: u8 = 1;

impl ContentHash {
    /// Bytes that it takes in an index.
    pub(super) const STORED: u64 = 33;

    #[cfg(feature = "encode")]
    pub(super) fn write(hash: Option<&ContentHash>, out: &mut Vec<u8>) {
        match hash {
            None => out.push(NONE),
            Some(ContentHash(bytes)) => {
                out.push(BLAKE3);
                out.extend_from_slice(bytes);
            }
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Option<ContentHash>> {
        match r.u8()? {
            NONE => Ok(None),
            BLAKE3 => {
                let mut bytes = [0; 32];
                bytes.copy_from_slice(r.bytes(32)?);
                Ok(Some(ContentHash(bytes)))
            }
            value => Err(Error::Reserved {
                field: "kind of hash",
                value: value.into(),
            }),
        }
    }
}
