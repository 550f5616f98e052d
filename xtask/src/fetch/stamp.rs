//! The stamp file that tells a complete, current model folder from any other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

const STAMP: &str = ".hct-fetched.json";

#[derive(Serialize, Deserialize, PartialEq)]
struct Stamp {
    wheel_sha256: String,
    revision: u32,
    /// Size of every file in the folder, to notice one that was lost or cut short since.
    files: BTreeMap<String, u64>,
}

/// Records what `folder` was made from and what it holds.
pub fn write(folder: &Path, wheel_sha256: &str, revision: u32) -> Result<()> {
    let stamp = observe(folder, wheel_sha256, revision)?;
    fs::write(folder.join(STAMP), serde_json::to_vec_pretty(&stamp)?)?;
    Ok(())
}

/// Whether `folder` was made from this wheel by this revision and still holds all its files.
pub fn is_current(folder: &Path, wheel_sha256: &str, revision: u32) -> bool {
    let recorded = fs::read(folder.join(STAMP))
        .ok()
        .and_then(|text| serde_json::from_slice::<Stamp>(&text).ok());
    recorded.is_some() && recorded == observe(folder, wheel_sha256, revision).ok()
}

fn observe(folder: &Path, wheel_sha256: &str, revision: u32) -> Result<Stamp> {
    let mut files = BTreeMap::new();
    list(folder, "", &mut files)?;
    Ok(Stamp {
        wheel_sha256: wheel_sha256.to_string(),
        revision,
        files,
    })
}

fn list(folder: &Path, prefix: &str, files: &mut BTreeMap<String, u64>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.metadata()?;
        if kind.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else if name != STAMP {
            files.insert(name, kind.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_until_something_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(
            !is_current(path, "aa", 1),
            "an unstamped folder is not current"
        );
        fs::create_dir(path.join("sub")).unwrap();
        fs::write(path.join("sub/weights"), "1234").unwrap();
        write(path, "aa", 1).unwrap();
        assert!(is_current(path, "aa", 1));
        assert!(!is_current(path, "bb", 1));
        assert!(!is_current(path, "aa", 2));
        fs::write(path.join("sub/weights"), "12").unwrap();
        assert!(!is_current(path, "aa", 1), "a file was cut short");
    }
}
