//! Where the repository and its documents are.

use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// A file of the `docs` folder.
pub fn docs(file: &str) -> PathBuf {
    repository().join("docs").join(file)
}
