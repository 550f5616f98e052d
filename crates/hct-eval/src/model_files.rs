//! What it takes to run a model besides its weights.

use std::fs;
use std::path::Path;

use crate::Error;

/// The files that say how a model's weights are to be used. In a checkpoint folder they lie beside
/// the weights; an HCT file carries them as side files.
pub struct ModelFiles {
    /// The bytes of `config.json`.
    pub config: Vec<u8>,
    /// The bytes of `tokenizer.json`.
    pub tokenizer: Vec<u8>,
}

impl ModelFiles {
    /// The files of a checkpoint folder.
    ///
    /// # Errors
    /// When either file cannot be read.
    pub fn read(dir: &Path) -> Result<ModelFiles, Error> {
        let read = |name| {
            let path = dir.join(name);
            fs::read(&path).map_err(|reason| Error::ReadFile { path, reason })
        };
        Ok(ModelFiles {
            config: read("config.json")?,
            tokenizer: read("tokenizer.json")?,
        })
    }
}
