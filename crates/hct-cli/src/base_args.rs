//! The base that a file is coded against, as it is given on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hct_core::{Limits, ReadAt};
use hct_model::{Base, Error, HctModel, open_bases_within};

use crate::limit_args::LimitArgs;
use crate::progress::Bar;

/// `--base`, and the limits of it and of the file that is decoded with its help.
#[derive(Args)]
pub struct BaseArgs {
    /// What an .hct file is coded against: a checkpoint, or an .hct file of it. If that is coded
    /// against another itself, repeat --base: each is the base of the one before
    #[arg(long = "base", value_name = "BASE")]
    bases: Vec<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
}

impl BaseArgs {
    /// Opens the base, if one was given.
    pub fn open(&self) -> anyhow::Result<Option<Arc<Base>>> {
        Ok(open_bases_within(&self.bases, self.limits())?)
    }

    /// The limits to read files within.
    pub fn limits(&self) -> Limits {
        self.limits.limits()
    }

    /// Whether one was given.
    pub fn is_given(&self) -> bool {
        !self.bases.is_empty()
    }

    /// Gives the base to `model`, which must be coded against one.
    pub fn give<R: ReadAt>(&self, model: HctModel<R>) -> anyhow::Result<HctModel<R>> {
        match self.open()? {
            Some(_) if !model.needs_base() => Err(unneeded(model.name())),
            Some(base) => Ok(model.with_base(base)),
            None => Ok(model),
        }
    }
}

/// The error of giving a base to what has no use for it.
pub fn unneeded(path: &Path) -> anyhow::Error {
    let path = path.to_owned();
    Error::UnneededBase { path }.into()
}

/// Checks that `model` has the base it needs, with a bar.
pub fn check_base<R: ReadAt>(model: &HctModel<R>) -> anyhow::Result<()> {
    if model.needs_base() {
        model.check_base(&Bar::new("checking the base", model.base_bytes()))?;
    }
    Ok(())
}
