//! The index of a sharded checkpoint: which tensor is in which file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hct_core::ReadAt;
use serde::Deserialize;

use super::super::file_source::FileSource;
use crate::error::Error;
use crate::header::{MAX_HEADER_LEN, MAX_TENSORS};
use crate::json_pairs::{JsonPairs, first_duplicate};
use crate::safe_path::fault_in_file_name;

/// An index; its tensors and shards have not been looked for yet.
pub(super) struct IndexJson {
    pub path: PathBuf,
    /// Tensors and their shards; no tensor comes twice.
    pub weight_map: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct RawIndex {
    weight_map: JsonPairs<MAX_TENSORS>,
}

impl IndexJson {
    pub fn read(path: &Path) -> Result<IndexJson, Error> {
        IndexJson::of(&FileSource::open(path)?, path)
    }

    /// The one in `file`, which is called `path`.
    pub fn of(file: &FileSource, path: &Path) -> Result<IndexJson, Error> {
        let len = file.size();
        if len > MAX_HEADER_LEN {
            let index = path.to_owned();
            return Err(Error::IndexTooLarge {
                index,
                len,
                limit: MAX_HEADER_LEN,
            });
        }
        let bytes = file
            .read_at(0, len as usize)
            .map_err(Error::reading(path))?;
        let JsonPairs(weight_map) = serde_json::from_slice::<RawIndex>(&bytes)
            .map_err(|reason| Error::IndexJson {
                index: path.to_owned(),
                reason,
            })?
            .weight_map;

        if weight_map.is_empty() {
            return Err(Error::IndexEmpty {
                index: path.to_owned(),
            });
        }
        if let Some(tensor) = first_duplicate(weight_map.iter().map(|(name, _)| name.as_str())) {
            let tensor = tensor.to_owned();
            return Err(Error::IndexDuplicate {
                index: path.to_owned(),
                tensor,
            });
        }
        Ok(IndexJson {
            path: path.to_owned(),
            weight_map,
        })
    }

    /// The names of the shards, sorted; all are plain names, of files that are there.
    pub fn shard_names(&self, is_there: impl Fn(&Path) -> bool) -> Result<Vec<&str>, Error> {
        let mut first_tensors = BTreeMap::new();
        for (tensor, shard) in &self.weight_map {
            first_tensors.entry(shard.as_str()).or_insert(tensor);
        }
        for (&shard, &tensor) in &first_tensors {
            let (index, tensor) = (self.path.clone(), tensor.clone());
            if let Some(reason) = fault_in_file_name(shard) {
                return Err(Error::ShardPath {
                    index,
                    tensor,
                    shard: shard.to_owned(),
                    reason,
                });
            }
            if !is_there(&self.path.with_file_name(shard)) {
                return Err(Error::ShardMissing {
                    index,
                    tensor,
                    shard: shard.to_owned(),
                });
            }
        }
        Ok(first_tensors.into_keys().collect())
    }
}
