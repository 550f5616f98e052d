//! The files of a checkpoint folder that are not weights and travel with them.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::file_source::{FileSource, FileState};
use crate::carried_paths::Paths;
use crate::error::Error;
use crate::safe_path::fault_in_path;
use crate::safetensors::Shard;

/// The most that side files may take together, so that a stray data set is not carried along.
const MAX_TOTAL_LEN: u64 = 256 << 20;

/// Extensions of weights in other forms, and of other models in the same folder.
const WEIGHT_EXTENSIONS: [&str; 13] = [
    "safetensors",
    "bin",
    "pt",
    "pth",
    "ckpt",
    "onnx",
    "onnx_data",
    "gguf",
    "ggml",
    "h5",
    "msgpack",
    "ot",
    "tflite",
];

/// A file to carry along.
pub(super) struct SideFile {
    /// The path within the folder, with forward slashes.
    pub rel_path: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Its size, and when it was last changed.
    pub state: FileState,
}

/// A file that is left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFile {
    /// The path within the folder, with forward slashes.
    pub rel_path: String,
    /// Its size; 0 when it is no regular file.
    pub len: u64,
    /// Why it is left behind.
    pub reason: SkipReason,
}

/// Why a file is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// Weights that are not part of this checkpoint.
    OtherWeights,
    /// With it, the side files would take more than 256 MiB.
    TooLarge,
    /// A link to a folder, to nothing, or out of the checkpoint: what is behind it may not be meant
    /// to be passed on. Links into the `blobs` of a model cache are followed.
    LinkElsewhere,
    /// A socket, pipe, device or the like.
    NotAFile,
    /// A name that could not be created again everywhere.
    UnsafeName(&'static str),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::OtherWeights => f.write_str("other weights"),
            SkipReason::TooLarge => {
                write!(f, "more than {} MiB of side files", MAX_TOTAL_LEN >> 20)
            }
            SkipReason::LinkElsewhere => f.write_str("a link that leads elsewhere"),
            SkipReason::NotAFile => f.write_str("not a regular file"),
            SkipReason::UnsafeName(fault) => write!(f, "unsafe name: {fault}"),
        }
    }
}

/// The side files below `dir` and the files left behind, both by path.
pub(super) fn collect(
    dir: &Path,
    shards: &[Shard<FileSource>],
) -> Result<(Vec<SideFile>, Vec<SkippedFile>), Error> {
    let shard_names = shards.iter().map(Shard::name);
    let shards: HashSet<&Path> = shards.iter().map(Shard::path).collect();
    let roots = LinkRoots::of(dir)?;
    let mut found: Vec<Found> = Vec::new();
    let mut folders = vec![(dir.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
            let entry = entry.map_err(Error::io("list", &folder))?;
            let path = entry.path();
            let Some(rel_path) = visible_path(&prefix, &path) else {
                continue;
            };
            if shards.contains(path.as_path()) {
                continue;
            }
            let file_type = entry.file_type().map_err(Error::io("read", &path))?;
            if file_type.is_dir() {
                folders.push((path, rel_path + "/"));
            } else {
                let (state, fault) = inspect(&path, &rel_path, file_type.is_symlink(), &roots);
                found.push(Found {
                    rel_path,
                    path,
                    state,
                    fault,
                });
            }
        }
    }
    found.sort_by(|a, b| a.rel_path.cmp(&b.rel_path));

    let mut paths = Paths::default();
    for name in shard_names {
        paths.add(name);
    }
    let (mut side_files, mut skipped_files) = (Vec::new(), Vec::new());
    let mut total = 0;
    for Found {
        rel_path,
        path,
        state,
        mut fault,
    } in found
    {
        let len = state.map_or(0, |state| state.len);
        if fault.is_none() && len > MAX_TOTAL_LEN - total {
            fault = Some(SkipReason::TooLarge);
        }
        if fault.is_none() {
            fault = paths.add(&rel_path).map(SkipReason::UnsafeName);
        }
        match (fault, state) {
            (None, Some(state)) => {
                total += len;
                side_files.push(SideFile {
                    rel_path,
                    path,
                    state,
                });
            }
            (fault, _) => skipped_files.push(SkippedFile {
                rel_path,
                len,
                reason: fault.unwrap_or(SkipReason::NotAFile),
            }),
        }
    }
    Ok((side_files, skipped_files))
}

struct Found {
    rel_path: String,
    path: PathBuf,
    /// Of a regular file.
    state: Option<FileState>,
    fault: Option<SkipReason>,
}

/// The path within the checkpoint, unless it is passed over without a word.
fn visible_path(prefix: &str, path: &Path) -> Option<String> {
    let name = path.file_name()?;
    // Where this is lossy it has a replacement character, and `inspect` takes note.
    let name = name.to_string_lossy();
    let hidden = name.starts_with('.') || name.to_ascii_lowercase().ends_with(".hct");
    (!hidden).then(|| format!("{prefix}{name}"))
}

/// The state of a regular file, and why to leave a file behind, if there is a reason.
fn inspect(
    path: &Path,
    rel_path: &str,
    is_link: bool,
    roots: &LinkRoots,
) -> (Option<FileState>, Option<SkipReason>) {
    let Ok(metadata) = fs::metadata(path) else {
        return (None, Some(SkipReason::LinkElsewhere));
    };
    if metadata.is_dir() {
        return (None, Some(SkipReason::LinkElsewhere));
    }
    if !metadata.is_file() {
        return (None, Some(SkipReason::NotAFile));
    }
    let state = Some(FileState::of(&metadata));
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    if extension.is_some_and(|e| WEIGHT_EXTENSIONS.contains(&e.as_str())) {
        return (state, Some(SkipReason::OtherWeights));
    }
    if is_link && !roots.contain(path) {
        return (state, Some(SkipReason::LinkElsewhere));
    }
    if path.to_str().is_none() {
        return (state, Some(SkipReason::UnsafeName("it is not UTF-8")));
    }
    (state, fault_in_path(rel_path).map(SkipReason::UnsafeName))
}

/// Where links may lead.
struct LinkRoots(Vec<PathBuf>);

impl LinkRoots {
    /// The folder itself; and for a snapshot in a model cache, which is all links
    /// (`snapshots/REVISION/config.json` to `blobs/HASH`), the blobs of that model.
    fn of(dir: &Path) -> Result<LinkRoots, Error> {
        let dir = fs::canonicalize(dir).map_err(Error::io("open", dir))?;
        let blobs = dir
            .parent()
            .filter(|snapshots| snapshots.ends_with("snapshots"))
            .and_then(Path::parent)
            .map(|model| model.join("blobs"));
        Ok(LinkRoots(std::iter::once(dir).chain(blobs).collect()))
    }

    fn contain(&self, link: &Path) -> bool {
        fs::canonicalize(link)
            .is_ok_and(|target| self.0.iter().any(|root| target.starts_with(root)))
    }
}
