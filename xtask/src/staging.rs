//! All-or-nothing output: files are made in a hidden folder beside their destination and renamed
//! into place when complete, so a failed run leaves nothing half-written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A folder under construction; dropping it removes everything not yet published.
pub struct Staging {
    temp: TempDir,
    content: PathBuf,
}

impl Staging {
    /// Starts a folder inside `parent`, which is created if missing.
    ///
    /// Staging in the destination's own parent keeps the final rename on one file system.
    pub fn inside(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create the folder {}", parent.display()))?;
        let temp = tempfile::Builder::new()
            .prefix(".hct-staging-")
            .tempdir_in(parent)
            .with_context(|| format!("cannot write in {}", parent.display()))?;
        // The temp folder itself is private to the user; what is published should have the
        // ordinary permissions of a new folder.
        let content = temp.path().join("content");
        fs::create_dir(&content)?;
        Ok(Self { temp, content })
    }

    /// Where to write the files to be published.
    pub fn path(&self) -> &Path {
        &self.content
    }

    /// A place for intermediate files, which are never published.
    pub fn scratch(&self) -> &Path {
        self.temp.path()
    }

    /// Moves the whole folder to `target`, replacing what was there.
    pub fn publish_as(self, target: &Path) -> Result<()> {
        // A non-empty folder cannot be renamed over: set the old one aside, to be removed together
        // with the temp folder, or put back if the new one cannot take its place.
        let replaced = self.temp.path().join("replaced");
        let had_old = target.symlink_metadata().is_ok();
        if had_old {
            fs::rename(target, &replaced)
                .with_context(|| format!("cannot replace {}", target.display()))?;
        }
        let moved = fs::rename(&self.content, target);
        if moved.is_err() && had_old {
            fs::rename(&replaced, target)
                .with_context(|| format!("cannot put {} back", target.display()))?;
        }
        moved.with_context(|| format!("cannot move the result to {}", target.display()))
    }

    /// Moves one finished file into `folder`, replacing a file of that name.
    pub fn publish_file(&self, name: &str, folder: &Path) -> Result<()> {
        let target = folder.join(name);
        fs::rename(self.content.join(name), &target)
            .with_context(|| format!("cannot move the result to {}", target.display()))
    }
}

/// The folder that holds `path`, for a path that may be a bare name.
pub fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_replaces_the_old_folder_and_leaves_no_trace() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("model");
        for text in ["old", "new"] {
            let staging = Staging::inside(root.path()).unwrap();
            fs::write(staging.path().join("a"), text).unwrap();
            staging.publish_as(&target).unwrap();
        }
        assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_abandoned_folder_disappears() {
        let root = tempfile::tempdir().unwrap();
        let staging = Staging::inside(root.path()).unwrap();
        fs::write(staging.path().join("a"), "half").unwrap();
        drop(staging);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
