//! Which names from a file may become names in a folder.

use std::path::PathBuf;

use crate::error::Error;
use crate::printable::is_unprintable;

const MAX_PATH_LEN: usize = 1024;

/// Turns a path stored in a file (a side file or shard, with forward slashes) into one that is
/// safe to create below an output folder on any system.
///
/// Hidden names are refused as well: they are never stored, and a `.git` folder in the output
/// could run commands.
///
/// # Errors
/// [`Error::UnsafePath`] when the path is anything but plain names joined by single slashes.
pub fn safe_relative_path(path: &str) -> Result<PathBuf, Error> {
    match fault_in_path(path) {
        None => Ok(path.split('/').collect()),
        Some(reason) => Err(Error::UnsafePath {
            path: path.to_owned(),
            reason,
        }),
    }
}

/// What makes this relative path unsafe.
pub(crate) fn fault_in_path(path: &str) -> Option<&'static str> {
    if path.len() > MAX_PATH_LEN {
        return Some("it is too long");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    path.split('/').find_map(fault_in_name)
}

/// What makes this an unsafe name for a file in a folder.
pub(crate) fn fault_in_file_name(name: &str) -> Option<&'static str> {
    if name.contains('/') {
        return Some("it leads into another folder");
    }
    fault_in_path(name)
}

fn fault_in_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("a name in it is empty");
    }
    if name == ".." || name == "." {
        return Some("it has a . or .. in it");
    }
    if name.starts_with('.') {
        return Some("a name in it is hidden (starts with a dot)");
    }
    if name.contains('\\') {
        return Some("it has a backslash in it");
    }
    if name.contains(':') {
        return Some("it has a colon in it (a drive or stream on Windows)");
    }
    if name.contains(char::is_control) {
        return Some("it has a control character in it");
    }
    if name.contains(is_unprintable) {
        return Some("it has a character in it that is not seen");
    }
    if name.ends_with(['.', ' ']) {
        return Some("a name in it ends in a dot or space, which Windows drops");
    }
    is_windows_device(name).then_some("a name in it is that of a device on Windows")
}

fn is_windows_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        other => {
            let port = other
                .strip_prefix("COM")
                .or_else(|| other.strip_prefix("LPT"));
            // Raised 1, 2 and 3 count as digits there.
            port.is_some_and(|n| {
                let mut chars = n.chars();
                let digit = chars.next().is_some_and(|c| {
                    c.is_ascii_digit() || matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}')
                });
                digit && chars.next().is_none()
            })
        }
    }
}
