//! A model by its path: a checkpoint or an HCT file.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use hct_core::{FileKind, Limits};

use super::checkpoint::Checkpoint;
use super::file_source::HctFile;
use super::is_hct::is_hct;
use crate::base::Base;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::gguf::GgufHeader;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// An open model.
pub enum Opened {
    /// Safetensors files.
    Checkpoint(Checkpoint),
    /// An HCT file.
    Hct(HctFile),
}

impl Opened {
    /// Opens whichever it is.
    ///
    /// # Errors
    /// Those of [`HctFile::open`] and [`Checkpoint::open`].
    pub fn open(path: &Path) -> Result<Opened, Error> {
        Opened::open_within(path, Limits::default())
    }

    /// The same, an HCT file within other limits.
    ///
    /// # Errors
    /// Those of [`HctFile::open_within`] and [`Checkpoint::open`].
    pub fn open_within(path: &Path, limits: Limits) -> Result<Opened, Error> {
        if is_hct(path) {
            HctFile::open_within(path, limits).map(Opened::Hct)
        } else {
            Checkpoint::open(path).map(Opened::Checkpoint)
        }
    }

    /// The same on its base, if it needs one and one is given.
    pub fn with_base(self, base: Option<&Arc<Base>>) -> Opened {
        match (self, base) {
            (Opened::Hct(model), Some(base)) if model.needs_base() => {
                Opened::Hct(model.with_base(Arc::clone(base)))
            }
            (other, _) => other,
        }
    }

    /// Whether tensors are coded against another checkpoint.
    pub fn needs_base(&self) -> bool {
        matches!(self, Opened::Hct(model) if model.needs_base())
    }

    /// What it is called.
    pub fn name(&self) -> &Path {
        match self {
            Opened::Checkpoint(checkpoint) => checkpoint.name(),
            Opened::Hct(model) => model.name(),
        }
    }

    /// Its tensors.
    pub fn source(&self) -> &dyn TensorSource {
        match self {
            Opened::Checkpoint(checkpoint) => checkpoint,
            Opened::Hct(model) => model,
        }
    }

    /// The header of the GGUF file that it is or came in, if it did.
    ///
    /// # Errors
    /// When an HCT file carries a damaged one.
    pub fn gguf_header(&self) -> Result<Option<GgufHeader>, Error> {
        match self {
            Opened::Checkpoint(checkpoint) => Ok(checkpoint.gguf().map(|g| g.header().clone())),
            Opened::Hct(model) => model.gguf_header(),
        }
    }

    /// Bytes that tensor `index` takes; 0 where there is none.
    pub fn tensor_bytes(&self, index: usize) -> u64 {
        match self {
            Opened::Checkpoint(checkpoint) => checkpoint
                .tensors()
                .get(index)
                .map_or(0, TensorInfo::byte_len),
            Opened::Hct(model) => {
                (model.index().tensors.get(index)).map_or(0, |t| t.stored_bytes())
            }
        }
    }

    /// Whether files other than weights belong to it.
    pub fn has_side_files(&self) -> bool {
        match self {
            Opened::Checkpoint(checkpoint) => side_files(checkpoint).next().is_some(),
            Opened::Hct(model) => {
                let files = &model.index().files;
                files.iter().any(|f| f.kind == FileKind::Side)
            }
        }
    }

    /// The contents of the side file at `path`, if there is one.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn side_file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Opened::Checkpoint(checkpoint) => {
                let mut files = checkpoint.files().iter();
                let number = files.position(|f| f.kind == FileKind::Side && f.path == path);
                let bytes = number.map(|number| checkpoint.read_file(number));
                Ok(bytes.transpose()?.map(Cow::into_owned))
            }
            Opened::Hct(model) => model.side_file(path),
        }
    }

    /// Bytes of the whole model: an HCT file as it is; a checkpoint's safetensors files, and its
    /// side files if asked for.
    pub fn bytes(&self, with_side_files: bool) -> u64 {
        match self {
            Opened::Hct(model) => model.file_bytes(),
            Opened::Checkpoint(checkpoint) => {
                let side_files = side_files(checkpoint).map(|f| f.len);
                let side_files = side_files.filter(|_| with_side_files).sum::<u64>();
                checkpoint.total_bytes() + side_files
            }
        }
    }
}

fn side_files(checkpoint: &Checkpoint) -> impl Iterator<Item = &CarriedFile> {
    checkpoint
        .files()
        .iter()
        .filter(|f| f.kind == FileKind::Side)
}
