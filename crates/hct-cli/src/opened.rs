//! Opening what is given on the command line.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use hct_core::Limits;
use hct_model::{Base, HctFile, Opened};

use crate::base_args::check_base;

/// Opens a path that must be an HCT file, to be read within limits.
pub fn open_hct(path: &Path, limits: Limits) -> anyhow::Result<HctFile> {
    if path.is_dir() {
        bail!("{} is a folder; give an .hct file", path.display());
    }
    Ok(HctFile::open_within(path, limits)?)
}

/// The model with the base that it needs, checked with a bar. Whether it needs one.
pub fn on_base(opened: Opened, base: Option<&Arc<Base>>) -> anyhow::Result<(Opened, bool)> {
    let opened = opened.with_base(base);
    match &opened {
        Opened::Hct(model) if model.needs_base() => {
            check_base(model)?;
            Ok((opened, true))
        }
        _ => Ok((opened, false)),
    }
}
