//! A model given on the command line: a checkpoint or an HCT file.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use hct_core::FileKind;
use hct_model::{Base, CarriedFile, Checkpoint, CheckpointSource, Error, HctFile, TensorSource};

use crate::base_args::check_base;
use crate::is_hct::is_hct;

/// An open model.
pub enum Opened {
    Checkpoint(Checkpoint),
    Hct(HctFile),
}

/// Opens a path that must be an HCT file.
pub fn open_hct(path: &Path) -> anyhow::Result<HctFile> {
    if path.is_dir() {
        bail!("{} is a folder; give an .hct file", path.display());
    }
    Ok(HctFile::open(path)?)
}

impl Opened {
    /// Opens whichever it is.
    pub fn open(path: &Path) -> Result<Opened, Error> {
        if is_hct(path) {
            HctFile::open(path).map(Opened::Hct)
        } else {
            Checkpoint::open(path).map(Opened::Checkpoint)
        }
    }

    /// The same with the base that it needs, checked. Whether it needs one.
    pub fn on_base(self, base: Option<&Arc<Base>>) -> anyhow::Result<(Opened, bool)> {
        match self {
            Opened::Hct(model) if model.needs_base() => {
                let model = match base {
                    Some(base) => model.with_base(Arc::clone(base)),
                    None => model,
                };
                check_base(&model)?;
                Ok((Opened::Hct(model), true))
            }
            other => Ok((other, false)),
        }
    }

    /// Its tensors.
    pub fn source(&self) -> &dyn TensorSource {
        match self {
            Opened::Checkpoint(checkpoint) => checkpoint,
            Opened::Hct(model) => model,
        }
    }

    /// Bytes that tensor `index` takes.
    pub fn tensor_bytes(&self, index: usize) -> u64 {
        match self {
            Opened::Checkpoint(checkpoint) => checkpoint.tensors()[index].byte_len(),
            Opened::Hct(model) => model.index().tensors[index].stored_bytes(),
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
