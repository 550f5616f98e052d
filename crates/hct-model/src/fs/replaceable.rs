//! What an output may take the place of.

use std::collections::BTreeSet;
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::Error;

/// Files that are named in the message, at most.
const NAMED: usize = 3;

/// Errs where there is something of the name of an output that is not to be replaced.
pub(super) fn check_free(output: &Path, overwrite: bool) -> Result<(), Error> {
    match !overwrite && kind_of(output)?.is_some() {
        true => Err(Error::OutputExists {
            path: output.to_owned(),
        }),
        false => Ok(()),
    }
}

/// Errs unless `output` is a regular file or nothing. A link is not followed: what it leads to, such as
/// the cache of another program, may not be meant.
///
/// # Errors
/// Then, and when it cannot be looked at.
pub fn check_file(output: &Path) -> Result<(), Error> {
    match kind_of(output)? {
        None => Ok(()),
        Some(kind) if kind.is_file() => Ok(()),
        Some(kind) => Err(irreplaceable(output, what_is(output, kind, "file"))),
    }
}

/// Errs unless `output` is nothing or a folder with nothing but what is in `paths`, relative with
/// forward slashes: what is replaced as a whole must not be more than what is written.
///
/// # Errors
/// Then, and when it cannot be looked at.
pub(super) fn check_folder(output: &Path, paths: &BTreeSet<String>) -> Result<(), Error> {
    match kind_of(output)? {
        None => return Ok(()),
        Some(kind) if kind.is_dir() => {}
        Some(kind) => return Err(irreplaceable(output, what_is(output, kind, "folder"))),
    }
    let mut others = Vec::new();
    find_others(output, "", paths, &mut others)?;
    if others.is_empty() {
        return Ok(());
    }
    others.sort_unstable();
    let named: Vec<String> = others
        .iter()
        .take(NAMED)
        .map(|o| format!("{o:?}"))
        .collect();
    let more = match others.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Err(irreplaceable(
        output,
        format!(
            "it holds {}{more}, which the checkpoint to be written has not; move that away, or \
             choose another name",
            named.join(", ")
        ),
    ))
}

/// Whatever is below `folder`, at `prefix` from the output, that is not in `paths`.
fn find_others(
    folder: &Path,
    prefix: &str,
    paths: &BTreeSet<String>,
    others: &mut Vec<String>,
) -> Result<(), Error> {
    let failed = || Error::io("list", folder);
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let kind = entry.file_type().map_err(failed())?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        let within = format!("{path}/");
        let is_known = name.to_str().is_some()
            && match kind.is_dir() {
                true => is_folder_of(&within, paths),
                false => kind.is_file() && paths.contains(&path),
            };
        match is_known {
            true if kind.is_dir() => find_others(&entry.path(), &within, paths, others)?,
            true => {}
            false => others.push(path),
        }
    }
    Ok(())
}

/// Whether any of `paths` is in the folder.
fn is_folder_of(folder: &str, paths: &BTreeSet<String>) -> bool {
    let mut after = paths.range(folder.to_owned()..);
    after.next().is_some_and(|path| path.starts_with(folder))
}

fn kind_of(path: &Path) -> Result<Option<FileType>, Error> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

fn what_is(path: &Path, kind: FileType, wanted: &str) -> String {
    if kind.is_symlink() {
        let leads_to = fs::read_link(path).unwrap_or_default();
        return format!(
            "it is a link, to {}; name what it leads to, or remove it",
            leads_to.display()
        );
    }
    let is = match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_file() => "a file",
        _ => "a device, pipe or socket",
    };
    format!("it is {is}, and a {wanted} is to be written; choose another name")
}

fn irreplaceable(path: &Path, reason: String) -> Error {
    Error::NotReplaceable {
        path: path.to_owned(),
        reason,
    }
}
