//! Texts as they were given.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::runnable::failed;

/// A text and the file it is from.
pub struct Text {
    pub path: PathBuf,
    pub content: String,
}

impl Text {
    /// Reads all of them.
    pub fn read_all(paths: &[PathBuf]) -> anyhow::Result<Vec<Text>> {
        let read = |path: &PathBuf| Text::read(path);
        paths.iter().map(read).collect()
    }

    fn read(path: &Path) -> anyhow::Result<Text> {
        let content = fs::read_to_string(path)
            .with_context(|| format!("cannot read the text {}", path.display()))?;
        Ok(Text {
            path: path.to_owned(),
            content,
        })
    }

    /// What went wrong with this text, which is named if it is its own fault.
    pub fn failed(&self, error: hct_eval::Error) -> anyhow::Error {
        let own = matches!(error, hct_eval::Error::TextTooShort { .. });
        match failed(error) {
            error if own => error.context(format!("cannot use the text {}", self.path.display())),
            error => error,
        }
    }
}
