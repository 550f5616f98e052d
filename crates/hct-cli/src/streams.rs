//! Standard input and output in the place of files, as `-`.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::Context;
use hct_model::TemporaryFolder;

/// What stands for them.
const STREAM: &str = "-";

/// Whether a path stands for standard input or output.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == STREAM
}

/// Standard output, to be written in large pieces.
pub fn standard_output() -> BufWriter<io::Stdout> {
    BufWriter::with_capacity(1 << 20, io::stdout())
}

/// A safetensors file that came by standard input, in a temporary folder that goes away with it.
pub struct Received {
    folder: TemporaryFolder,
}

impl Received {
    /// Reads all of standard input.
    pub fn new() -> anyhow::Result<Received> {
        let folder = TemporaryFolder::new()?;
        let received = Received { folder };
        let path = received.path();
        File::create(&path)
            .and_then(|mut file| io::copy(&mut io::stdin().lock(), &mut file))
            .with_context(|| format!("cannot keep standard input in {}", path.display()))?;
        Ok(received)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("model.safetensors")
    }
}
