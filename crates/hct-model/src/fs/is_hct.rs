//! Telling HCT files from checkpoints.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::file_source::{is_url, place_of};

/// How every HCT file begins (docs/FORMAT.md).
const MAGIC: &[u8; 8] = b"\x89HCT\r\n\x1a\n";

/// How the names of checkpoints at URLs end.
const CHECKPOINTS: [&str; 3] = [".safetensors", ".gguf", ".safetensors.index.json"];

/// Whether `path` is an HCT file, or calls itself one and should be reported as a bad one. What is at a
/// URL is taken for one unless it is called a checkpoint: it is not asked for.
pub fn is_hct(path: &Path) -> bool {
    if is_url(path) {
        let place = place_of(path);
        return !CHECKPOINTS.iter().any(|end| place.ends_with(end));
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
