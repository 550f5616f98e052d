//! Texts that are given on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use hct_model::check_apart;

/// Reads them; `output` must be none of them.
pub fn read_texts(paths: &[PathBuf], output: &Path) -> anyhow::Result<Vec<String>> {
    let read = |path: &PathBuf| {
        check_apart(output, path)?;
        fs::read_to_string(path).with_context(|| format!("cannot read the text {}", path.display()))
    };
    paths.iter().map(read).collect()
}
