//! Where a restored checkpoint goes.

use std::collections::BTreeMap;
use std::io::Write;

use crate::error::Error;

/// Takes the files of a checkpoint one after the other: a folder, an archive, memory.
pub trait CheckpointSink {
    /// A file that is being written.
    type File: Write + Send;

    /// Begins the file at `path`, which has forward slashes and has been found safe
    /// ([`crate::safe_relative_path`]).
    ///
    /// # Errors
    /// When there is such a file already, or none can be made.
    fn begin(&mut self, path: &str) -> Result<Self::File, Error>;

    /// Ends a file, all of which has been written.
    ///
    /// # Errors
    /// When the file cannot be completed.
    fn end(&mut self, path: &str, file: Self::File) -> Result<(), Error>;
}

/// Files in memory, by path.
impl CheckpointSink for BTreeMap<String, Vec<u8>> {
    type File = Vec<u8>;

    fn begin(&mut self, path: &str) -> Result<Vec<u8>, Error> {
        match self.contains_key(path) {
            true => Err(Error::OutputExists { path: path.into() }),
            false => Ok(Vec::new()),
        }
    }

    fn end(&mut self, path: &str, file: Vec<u8>) -> Result<(), Error> {
        self.insert(path.to_owned(), file);
        Ok(())
    }
}
