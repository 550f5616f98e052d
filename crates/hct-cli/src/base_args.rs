//! The base that a file is coded against, as it is given on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hct_core::ReadAt;
use hct_model::{Base, Checkpoint, HctFile, HctModel};

use crate::failure::usage;
use crate::is_hct::is_hct;
use crate::progress::Bar;

/// `--base`.
#[derive(Args)]
pub struct BaseArgs {
    /// What an .hct file is coded against: a checkpoint, or an .hct file of it. If that is coded
    /// against another itself, repeat --base: each is the base of the one before
    #[arg(long = "base", value_name = "BASE")]
    bases: Vec<PathBuf>,
}

impl BaseArgs {
    /// Opens the base, if one was given.
    pub fn open(&self) -> anyhow::Result<Option<Arc<Base>>> {
        open_chain(&self.bases)
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

/// Opens bases, each being that of the one before.
pub fn open_chain(paths: &[PathBuf]) -> anyhow::Result<Option<Arc<Base>>> {
    let mut base = None;
    for path in paths.iter().rev() {
        base = Some(Arc::new(open(path, base)?));
    }
    Ok(base)
}

fn open(path: &Path, base: Option<Arc<Base>>) -> anyhow::Result<Base> {
    if !is_hct(path) {
        return match base {
            Some(_) => Err(unneeded(path)),
            None => Ok(Base::checkpoint(Checkpoint::open(path)?)),
        };
    }
    let model = HctFile::open(path)?;
    Ok(Base::model(match base {
        Some(_) if !model.needs_base() => return Err(unneeded(path)),
        Some(base) => model.with_base(base),
        None => model,
    })?)
}

/// The error of giving a base to what has no use for it.
pub fn unneeded(path: &Path) -> anyhow::Error {
    usage(format!(
        "{} is not coded against a base; leave out the --base for it",
        path.display()
    ))
}

/// Checks that `model` has the base it needs, with a bar.
pub fn check_base<R: ReadAt>(model: &HctModel<R>) -> anyhow::Result<()> {
    if model.needs_base() {
        model.check_base(&Bar::new("checking the base", model.base_bytes()))?;
    }
    Ok(())
}
