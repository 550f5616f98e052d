//! Giving a new folder the name of an old one.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::replaceable::{check_folder, check_free};
use super::sync_folder::sync_folder;
use super::temporary::{NEW, OLD, TemporaryFolder, parent_of};
use super::unfinished::Names;
use crate::error::Error;

/// Gives what is in `work` under [`NEW`], the files of these paths, the name `target`.
///
/// Where the system exchanges names, there is one folder or the other at any moment. Elsewhere there is
/// a moment without; of a process that is killed then, the next writer puts the old one back.
pub(super) fn place(
    work: TemporaryFolder,
    target: &Path,
    files: &BTreeSet<String>,
    overwrite: bool,
) -> Result<(), Error> {
    // Held to the end: whoever removes what is unfinished must not remove what is replaced.
    let mut names = Names::lock();
    if let Err(error) = check_free(target, overwrite).and_then(|()| check_folder(target, files)) {
        // The work is removed after the names are let go of.
        drop(names);
        return Err(error);
    }
    let new = work.path().join(NEW);
    if fs::symlink_metadata(target).is_err() {
        if let Err(reason) = rename_new(&new, target) {
            drop(names);
            return Err(match reason.kind() {
                ErrorKind::AlreadyExists => Error::OutputExists {
                    path: target.to_owned(),
                },
                _ => Error::io("create", target)(reason),
            });
        }
        drop(names);
        return sync_folder(&parent_of(target)?);
    }
    // From here on it may hold the only copy of the old folder.
    let kept = work.keep(&mut names);
    let replaced = replace(&kept.path, target, files);
    drop(names);
    drop(kept);
    replaced
}

fn replace(work: &Path, target: &Path, files: &BTreeSet<String>) -> Result<(), Error> {
    let new = work.join(NEW);
    let old = match exchange(&new, target) {
        Some(Ok(())) => new,
        Some(Err(reason)) => {
            let _: io::Result<()> = fs::remove_dir_all(work);
            return Err(Error::io("replace", target)(reason));
        }
        None => replace_in_two_steps(work, target)?,
    };
    sync_folder(&parent_of(target)?)?;
    let emptied = remove_files(&old, files).and_then(|()| fs::remove_dir(work));
    emptied.map_err(|reason| {
        // Whatever has come into it meanwhile is not ours, nor the next run's.
        let aside = work.with_file_name(match work.file_name().and_then(|name| name.to_str()) {
            Some(name) => name.replacen("partial", "replaced", 1),
            None => ".hct-replaced".into(),
        });
        let at = match fs::rename(work, &aside) {
            Ok(()) => aside,
            Err(_) => work.to_owned(),
        };
        Error::io("delete all of the replaced folder in", &at)(reason)
    })
}

/// Moves the old folder aside and the new one to its place; gives where the old one is.
fn replace_in_two_steps(work: &Path, target: &Path) -> Result<PathBuf, Error> {
    let (new, old) = (work.join(NEW), work.join(OLD));
    if let Err(reason) = fs::rename(target, &old) {
        let _: io::Result<()> = fs::remove_dir_all(work);
        return Err(Error::io("replace", target)(reason));
    }
    match fs::rename(&new, target) {
        Ok(()) => Ok(old),
        Err(reason) if fs::rename(&old, target).is_ok() => {
            let _: io::Result<()> = fs::remove_dir_all(work);
            Err(Error::io("replace", target)(reason))
        }
        Err(reason) => Err(Error::OldStranded {
            path: target.to_owned(),
            old,
            reason,
        }),
    }
}

/// Removes these files from a folder, and the folder if nothing else is in it.
fn remove_files(folder: &Path, files: &BTreeSet<String>) -> io::Result<()> {
    let mut folders = BTreeSet::from([folder.to_owned()]);
    for file in files {
        match fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let within = Path::new(file).ancestors().skip(1);
        folders.extend(within.map(|inner| folder.join(inner)));
    }
    // What is within others comes after them.
    for folder in folders.iter().rev() {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Exchanges what two names stand for; none where the system cannot.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> Option<io::Result<()>> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => None,
        exchanged => Some(exchanged.map_err(Into::into)),
    }
}

/// No other system can.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> Option<io::Result<()>> {
    None
}

/// Gives a folder a name that is nobody's.
fn rename_new(new: &Path, target: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;

        match renameat_with(CWD, new, CWD, target, RenameFlags::NOREPLACE) {
            Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => {}
            renamed => return Ok(renamed?),
        }
    }
    // There, an empty folder made this moment is replaced.
    fs::rename(new, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with an old checkpoint `m`, and beside it a new one, still to be put in its place.
    fn old_and_new() -> (tempfile::TempDir, PathBuf, TemporaryFolder) {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("m");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("model.safetensors"), b"old").unwrap();
        let work = TemporaryFolder::beside(&target).unwrap();
        fs::create_dir_all(work.path().join(NEW).join("sub")).unwrap();
        fs::write(work.path().join(NEW).join("model.safetensors"), b"new").unwrap();
        fs::write(work.path().join(NEW).join("sub/a"), b"a").unwrap();
        (dir, target, work)
    }

    fn files() -> BTreeSet<String> {
        BTreeSet::from(["model.safetensors".to_owned(), "sub/a".to_owned()])
    }

    fn model(target: &Path) -> Vec<u8> {
        fs::read(target.join("model.safetensors")).unwrap()
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_folder_is_replaced_by_either_way() {
        let (dir, target, work) = old_and_new();
        place(work, &target, &files(), true).unwrap();
        assert_eq!(model(&target), b"new");
        assert_eq!(count(dir.path()), 1);

        let (dir, target, work) = old_and_new();
        let kept = work.keep(&mut Names::lock());
        let old = replace_in_two_steps(&kept.path, &target).unwrap();
        assert_eq!(
            (model(&target), model(&old)),
            (b"new".into(), b"old".into())
        );
        remove_files(&old, &files()).unwrap();
        assert_eq!(count(&kept.path), 0);
        assert_eq!(count(dir.path()), 2);
    }

    #[test]
    fn the_old_folder_is_put_back_when_the_new_one_cannot_be() {
        let (dir, target, work) = old_and_new();
        let kept = work.keep(&mut Names::lock());
        fs::remove_dir_all(kept.path.join(NEW)).unwrap();
        let error = replace_in_two_steps(&kept.path, &target).unwrap_err();
        let replace = matches!(
            &error,
            Error::Io {
                action: "replace",
                ..
            }
        );
        assert!(replace, "{error:?}");
        assert_eq!(model(&target), b"old");
        assert_eq!(count(dir.path()), 1);
    }

    /// The moment is too short to be met by killing: this makes what a process leaves then.
    #[test]
    fn a_kill_between_the_two_renames_loses_nothing() {
        let (dir, target, work) = old_and_new();
        let kept = work.keep(&mut Names::lock());
        fs::rename(&target, kept.path.join(OLD)).unwrap();
        // Its lock goes with a process.
        drop(kept);
        drop(TemporaryFolder::beside(&target).unwrap());
        assert_eq!(model(&target), b"old");
        assert_eq!(count(dir.path()), 1);

        // After both of them.
        let (dir, target, work) = old_and_new();
        let kept = work.keep(&mut Names::lock());
        replace_in_two_steps(&kept.path, &target).unwrap();
        drop(kept);
        drop(TemporaryFolder::beside(&target).unwrap());
        assert_eq!(model(&target), b"new");
        assert_eq!(count(dir.path()), 1);
    }

    #[test]
    fn what_comes_into_the_old_folder_meanwhile_is_kept() {
        let (_dir, target, work) = old_and_new();
        let kept = work.keep(&mut Names::lock());
        // Nothing looks at what is there from here on.
        fs::write(target.join("thesis.txt"), b"years of work").unwrap();
        let error = replace(&kept.path, &target, &files()).unwrap_err();
        let Error::Io { path, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(model(&target), b"new");
        drop(kept);
        drop(TemporaryFolder::beside(&target).unwrap());
        let found = [NEW, OLD].map(|side| path.join(side).join("thesis.txt"));
        assert!(found.iter().any(|file| file.exists()), "{path:?}");
    }
}
