//! A model as contestants code it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hct_eval::RivalModel;
use hct_model::{CompressOptions, CompressReport, Error, HctFile, TensorSource};
use tempfile::TempDir;

use super::Subject;
use crate::model::Model;

/// What a contestant makes of a model.
pub enum CodedModel<'s> {
    /// An HCT file in a temporary folder.
    File {
        folder: TempDir,
        report: CompressReport,
    },
    /// Blocks of another format.
    Blocks(RivalModel<'s>),
}

impl Subject for Model {
    type Coded<'s> = CodedModel<'s>;
    type Decoded<'c> = DecodedModel<'c>;
}

const FILE: &str = "model.hct";

impl CodedModel<'_> {
    /// The file that `compress` writes, without side files.
    pub fn file(
        compress: impl FnOnce(&Path, CompressOptions) -> Result<CompressReport, Error>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().context("no room for a temporary file")?;
        let options = CompressOptions {
            side_files: false,
            provenance: None,
            base: None,
            hashes: false,
        };
        let report = compress(&folder.path().join(FILE), options)?;
        Ok(Self::File { folder, report })
    }

    /// Bytes of the whole model.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File { report, .. } => report.output_bytes,
            Self::Blocks(blocks) => blocks.bytes(),
        }
    }

    /// Weights that were coded.
    pub fn weights(&self) -> u64 {
        match self {
            Self::File { report, .. } => report.weights,
            Self::Blocks(blocks) => blocks.weights_by_block().values().sum(),
        }
    }

    /// How many weights are stored as which kind of block; none in an HCT file.
    pub fn weights_by_block(&self) -> BTreeMap<String, u64> {
        match self {
            Self::File { .. } => BTreeMap::new(),
            Self::Blocks(blocks) => {
                let blocks = blocks.weights_by_block().iter();
                blocks.map(|(&name, &n)| (name.to_owned(), n)).collect()
            }
        }
    }

    /// The HCT file, opened.
    pub fn open(&self) -> Result<HctFile> {
        match self {
            Self::File { folder, .. } => Ok(HctFile::open(folder.path().join(FILE))?),
            Self::Blocks(_) => bail!("blocks of another format are in no HCT file"),
        }
    }

    /// The tensors.
    pub fn decoded(&self) -> Result<DecodedModel<'_>> {
        Ok(match self {
            Self::File { .. } => DecodedModel::File(Box::new(self.open()?)),
            Self::Blocks(blocks) => DecodedModel::Blocks(blocks),
        })
    }
}

/// The tensors of a coded model, decoded as they are read.
pub enum DecodedModel<'c> {
    /// From an HCT file.
    File(Box<HctFile>),
    /// From blocks of another format.
    Blocks(&'c RivalModel<'c>),
}

impl DecodedModel<'_> {
    /// The tensors.
    pub fn source(&self) -> &dyn TensorSource {
        match self {
            Self::File(file) => &**file,
            Self::Blocks(blocks) => *blocks,
        }
    }
}
