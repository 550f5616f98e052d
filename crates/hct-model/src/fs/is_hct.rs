//! Telling HCT files from checkpoints.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How every HCT file begins (docs/FORMAT.md).
const MAGIC: &[u8; 8] = b"\x89HCT\r\n\x1a\n";

/// Whether `path` is an HCT file, or calls itself one and should be reported as a bad one.
pub fn is_hct(path: &Path) -> bool {
    let mut start = [0; 8];
    let has_magic = File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == *MAGIC);
    let called_hct = || {
        path.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("hct"))
            && path.is_file()
    };
    has_magic || called_hct()
}
