//! The models that lie in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use crate::error::Error;

/// Deepest nesting of folders that is looked into.
const MAX_DEPTH: usize = 16;

/// Paths of the models in `dir` and in the folders within, in order of their names: folders that
/// [`Checkpoint::open`] takes, else the safetensors files of a folder one by one, and HCT files.
/// What is hidden is left out, and links to folders are not followed.
///
/// # Errors
/// When a folder cannot be listed, or folders are nested deeper than anyone nests them.
pub fn find_models(dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    look(dir.as_ref(), 0, &mut found)?;
    Ok(found)
}

fn look(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let listed = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for entry in listed {
        let entry = entry.map_err(Error::io("list", dir))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(Error::io("look at", dir))?;
        match kind.is_dir() {
            true => folders.push(entry.path()),
            false => files.push(entry.path()),
        }
    }
    files.sort();
    folders.sort();
    let (mut tensors, mut packed) = (Vec::new(), Vec::new());
    for file in files {
        match file.extension().and_then(|e| e.to_str()) {
            Some("safetensors") => tensors.push(file),
            Some("hct") => packed.push(file),
            _ => {}
        }
    }
    // Damaged ones are found, too: whoever opens them says what is wrong.
    match Checkpoint::open(dir) {
        Err(Error::Ambiguous { .. }) => found.extend(tensors),
        _ if !tensors.is_empty() => found.push(dir.to_owned()),
        _ => {}
    }
    found.extend(packed);
    for folder in folders {
        if depth == MAX_DEPTH {
            let error = std::io::Error::other("folders are nested too deep");
            return Err(Error::io("list", &folder)(error));
        }
        look(&folder, depth + 1, found)?;
    }
    Ok(())
}
