//! Opening a checkpoint, wherever it is.

use std::path::{Path, PathBuf};

use hct_core::FileKind;

use super::locate::{self, Located};
use super::{Checkpoint, Weights, at_url, check_index, is_gguf, side_files};
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::fs::file_source::{FileSource, is_url};
use crate::gguf::Gguf;
use crate::safetensors::{Safetensors, Shard};

impl Checkpoint {
    /// Opens a safetensors file, a GGUF file (whatever begins as one), or a folder that holds a
    /// safetensors file (`model.safetensors`, or the only
    /// one) or an index (`model.safetensors.index.json`, or the only one) with its shards. As in
    /// the transformers library, `model.safetensors` comes before an index.
    ///
    /// The other files of a folder that belong with the model (configuration, tokenizer, index,
    /// …) are carried along, by path. Hidden files and HCT files are not, nor those of
    /// [`Checkpoint::skipped_files`].
    ///
    /// At a URL (with the feature `remote`): such a file, or an index with its shards beside it.
    ///
    /// # Errors
    /// When there is no such checkpoint, when it is unclear which file is meant, when a header or
    /// the index is wrong, and when the index and the shards disagree.
    pub fn open(path: impl AsRef<Path>) -> Result<Checkpoint, Error> {
        let path = path.as_ref();
        if is_url(path) {
            return at_url::open(path);
        }
        if path.is_file() {
            let source = FileSource::open(path)?;
            if is_gguf(&source, path)? {
                return Ok(Checkpoint::of_gguf(Gguf::new(path, source)?));
            }
        }
        let Located { dir, shards, index } = locate::locate(path)?;
        let open = |(name, path): (String, PathBuf)| {
            let source = FileSource::open(&path)?;
            Shard::open(name, path, source)
        };
        let shards = shards
            .into_iter()
            .map(open)
            .collect::<Result<Vec<_>, Error>>()?;
        let safetensors = Safetensors::of_shards(path.to_owned(), shards)?;
        if let Some(index) = &index {
            check_index(index, safetensors.shards())?;
        }
        let (side_files, skipped_files) = match &dir {
            Some(dir) => side_files::collect(dir, safetensors.shards())?,
            None => Default::default(),
        };
        let mut files = safetensors.files().to_vec();
        files.extend(side_files.iter().map(|side| CarriedFile {
            kind: FileKind::Side,
            path: side.rel_path.clone(),
            len: side.state.len,
        }));
        Ok(Checkpoint {
            weights: Weights::Safetensors(safetensors),
            files,
            side_files,
            skipped_files,
        })
    }
}
