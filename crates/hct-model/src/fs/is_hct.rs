//! Telling HCT files from checkpoints.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::file_source::is_url;

/// How every HCT file begins (docs/FORMAT.md).
const MAGIC: &[u8; 8] = b"\x89HCT\r\n\x1a\n";

/// Whether `path` is an HCT file, or calls itself one and should be reported as a bad one. What is at a
/// URL is taken for one: nothing else is read from there.
pub fn is_hct(path: &Path) -> bool {
    if is_url(path) {
        return true;
    }
    // Opening a pipe would wait for a writer.
    if !path.is_file() {
        return false;
    }
    let mut start = [0; 8];
    let has_magic = File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == *MAGIC);
    has_magic
        || path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("hct"))
}
