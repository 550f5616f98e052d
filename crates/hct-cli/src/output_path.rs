//! Refusing a bad output before any work is done.

use std::path::Path;

use hct_model::{check_apart, check_replaceable_file};

use crate::failure::usage;

/// Refuses an `output` file that is a folder, that is `input` or in whose place `input` is, or
/// that exists without `force`.
pub fn check_file(output: &Path, input: &Path, force: bool) -> anyhow::Result<()> {
    if output.is_dir() {
        return Err(usage(format!(
            "{} is a folder; name a file in it",
            output.display()
        )));
    }
    check_apart(output, input)?;
    check_replaceable_file(output)?;
    check(output, input, force)
}

/// The same for a folder.
pub fn check_folder(output: &Path, input: &Path, force: bool) -> anyhow::Result<()> {
    if output.is_file() {
        return Err(usage(format!(
            "{} is a file, but a folder is to be written; choose another name, or one that ends \
             in .safetensors (or .gguf, for what was GGUF) for a single file",
            output.display()
        )));
    }
    check(output, input, force)
}

fn check(output: &Path, input: &Path, force: bool) -> anyhow::Result<()> {
    check_apart(output, input)?;
    let parent = output.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|p| !p.is_dir()) {
        return Err(usage(format!(
            "there is no folder {}; create it first, or choose another",
            parent.display()
        )));
    }
    // A link to nothing is something too.
    if !force && output.symlink_metadata().is_ok() {
        return Err(usage(format!(
            "{} already exists; pass --force to replace it, or choose another name",
            output.display()
        )));
    }
    Ok(())
}
