//! The hash of a whole file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::calibration::hex;
use crate::error::Error;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// SHA-256 of a file in hexadecimal, read piece by piece.
///
/// # Errors
/// When it cannot be read.
pub fn file_hash(path: &Path) -> Result<String, Error> {
    hash(path).map_err(Error::reading(path))
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}
