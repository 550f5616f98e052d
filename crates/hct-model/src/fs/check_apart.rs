//! Outputs that would replace what is being read.

use std::path::Path;

use crate::error::Error;

/// Refuses to write to `output` where that is `input`, or a folder that `input` is in: a folder is
/// replaced as a whole, with everything in it.
///
/// # Errors
/// Then.
pub fn check_apart(output: &Path, input: &Path) -> Result<(), Error> {
    let (Ok(out), Ok(inp)) = (output.canonicalize(), input.canonicalize()) else {
        return Ok(());
    };
    match inp.starts_with(&out) {
        true => Err(Error::ReplacesInput {
            path: output.to_owned(),
        }),
        false => Ok(()),
    }
}
