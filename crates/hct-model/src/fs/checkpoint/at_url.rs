//! A checkpoint at a URL: a safetensors or GGUF file, or an index with its shards beside it.

use std::path::{Path, PathBuf};

use hct_core::{FileKind, ReadAt};

use super::index_json::IndexJson;
use super::locate::{INDEX_SUFFIX, storable_name};
use super::side_files::SideFile;
use super::{Checkpoint, Weights, check_index, is_gguf};
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::fs::file_source::{FileSource, place_of};
use crate::gguf::Gguf;
use crate::safetensors::{Safetensors, Shard};
use crate::shown::shown;

/// Opens what is at `url`. Nothing tells what else is there: of side files the index alone is carried.
pub(super) fn open(url: &Path) -> Result<Checkpoint, Error> {
    // What it is called in messages, and its name.
    let named = PathBuf::from(place_of(&shown(url)));
    let source = FileSource::open(url)?;
    if place_of(url).ends_with(INDEX_SUFFIX) {
        return by_index(url, &named, &source);
    }
    if is_gguf(&source, &named)? {
        return Ok(Checkpoint::of_gguf(Gguf::new(named, source)?));
    }
    let shard = Shard::open(storable_name(&named)?, named.clone(), source)?;
    let safetensors = Safetensors::of_shards(named, vec![shard])?;
    Ok(Checkpoint {
        files: safetensors.files().to_vec(),
        weights: Weights::Safetensors(safetensors),
        side_files: Vec::new(),
        skipped_files: Vec::new(),
    })
}

/// The index, and the shards that it names beside it, by the same query: what is signed for a folder is
/// signed for all of it.
fn by_index(url: &Path, named: &Path, source: &FileSource) -> Result<Checkpoint, Error> {
    let index = IndexJson::of(source, named)?;
    let shards = index.shard_names(|_| true)?.into_iter().map(|name| {
        let shard = FileSource::open(beside(url, name))?;
        Shard::open(name.to_owned(), named.with_file_name(name), shard)
    });
    let shards = shards.collect::<Result<Vec<_>, Error>>()?;
    let safetensors = Safetensors::of_shards(named.to_owned(), shards)?;
    check_index(&index, safetensors.shards())?;
    let side = SideFile {
        rel_path: storable_name(named)?,
        path: url.to_owned(),
        state: source.state(),
    };
    let mut files = safetensors.files().to_vec();
    files.push(CarriedFile {
        kind: FileKind::Side,
        path: side.rel_path.clone(),
        len: source.size(),
    });
    Ok(Checkpoint {
        files,
        weights: Weights::Safetensors(safetensors),
        side_files: vec![side],
        skipped_files: Vec::new(),
    })
}

/// The URL of the file `name` in the same folder.
fn beside(url: &Path, name: &str) -> PathBuf {
    let text = url.to_str().unwrap_or_default();
    let place = place_of(url);
    let folder = place.rfind('/').map_or(0, |at| at + 1);
    let query = &text[place.len()..];
    format!("{}{name}{query}", &place[..folder]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_beside_their_index() {
        let beside = |url: &str| beside(Path::new(url), "s-1.safetensors");
        let of = |url: &str| PathBuf::from(url);
        assert_eq!(
            beside("https://a.b/m/i.json?x=/1"),
            of("https://a.b/m/s-1.safetensors?x=/1")
        );
        assert_eq!(beside("s3://m/i.json"), of("s3://m/s-1.safetensors"));
    }
}
