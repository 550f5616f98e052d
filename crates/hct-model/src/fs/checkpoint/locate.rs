//! Which files a path given by the user means.

use std::fs;
use std::path::{Path, PathBuf};

use super::index_json::IndexJson;
use crate::error::Error;
use crate::safe_path::fault_in_file_name;

pub(super) const INDEX_SUFFIX: &str = ".safetensors.index.json";
const SHARD_SUFFIX: &str = ".safetensors";

pub(super) struct Located {
    /// The folder, when one was given.
    pub dir: Option<PathBuf>,
    /// Names and paths of the safetensors files, by name.
    pub shards: Vec<(String, PathBuf)>,
    /// The index, when there is one.
    pub index: Option<IndexJson>,
}

pub(super) fn locate(path: &Path) -> Result<Located, Error> {
    let metadata = fs::metadata(path).map_err(Error::io("open", path))?;
    if metadata.is_dir() {
        return locate_in_dir(path);
    }
    if path.to_string_lossy().ends_with(INDEX_SUFFIX) {
        return Err(Error::IndexGiven {
            path: path.to_owned(),
        });
    }
    Ok(Located {
        dir: None,
        shards: vec![(storable_name(path)?, path.to_owned())],
        index: None,
    })
}

fn locate_in_dir(dir: &Path) -> Result<Located, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let entry = entry.map_err(Error::io("list", dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_candidate = name.ends_with(SHARD_SUFFIX) || name.ends_with(INDEX_SUFFIX);
        if is_candidate && !name.starts_with('.') && !entry.path().is_dir() {
            names.push(name);
        }
    }
    names.sort();
    let (shards, indexes): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| name.ends_with(SHARD_SUFFIX));

    let single = |name: &str| {
        let path = dir.join(name);
        Ok(Located {
            dir: Some(dir.to_owned()),
            shards: vec![(storable_name(&path)?, path)],
            index: None,
        })
    };
    if shards.iter().any(|name| name == "model.safetensors") {
        return single("model.safetensors");
    }
    if indexes
        .iter()
        .any(|name| name == "model.safetensors.index.json")
    {
        return locate_by_index(dir, "model.safetensors.index.json");
    }
    match (&shards[..], &indexes[..]) {
        (_, [index]) => locate_by_index(dir, index),
        ([shard], []) => single(shard),
        ([], []) => Err(Error::NoSafetensors {
            dir: dir.to_owned(),
        }),
        (shards, indexes) => {
            let names = [indexes, shards].concat();
            Err(Error::Ambiguous {
                dir: dir.to_owned(),
                names,
            })
        }
    }
}

fn locate_by_index(dir: &Path, name: &str) -> Result<Located, Error> {
    let index = IndexJson::read(&dir.join(name))?;
    let shards = index.shard_names(Path::exists)?;
    let shards = shards
        .into_iter()
        .map(|name| (name.to_owned(), dir.join(name)))
        .collect();
    Ok(Located {
        dir: Some(dir.to_owned()),
        shards,
        index: Some(index),
    })
}

/// The name of a file, if it is one that could be written back from an HCT file.
pub(super) fn storable_name(path: &Path) -> Result<String, Error> {
    let name = path.file_name().and_then(|name| name.to_str());
    let fault = name.map_or(Some("it is not UTF-8"), fault_in_file_name);
    match (name, fault) {
        (Some(name), None) => Ok(name.to_owned()),
        (_, fault) => Err(Error::FileName {
            path: path.to_owned(),
            reason: fault.unwrap_or("it has none"),
        }),
    }
}
