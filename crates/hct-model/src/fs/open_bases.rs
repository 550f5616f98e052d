//! The bases of HCT files, by their paths.

use std::path::Path;
use std::sync::Arc;

use hct_core::Limits;

use super::checkpoint::Checkpoint;
use super::file_source::HctFile;
use super::is_hct::is_hct;
use crate::base::Base;
use crate::error::Error;

/// Opens bases, checkpoints or HCT files, each being that of the one before; none of no paths.
///
/// # Errors
/// When one cannot be opened, lacks its own base, or has no use for the one after it.
pub fn open_bases(paths: &[impl AsRef<Path>]) -> Result<Option<Arc<Base>>, Error> {
    open_bases_within(paths, Limits::default())
}

/// The same, HCT files within other limits.
///
/// # Errors
/// Those of [`open_bases`], and when one exceeds `limits`.
pub fn open_bases_within(
    paths: &[impl AsRef<Path>],
    limits: Limits,
) -> Result<Option<Arc<Base>>, Error> {
    let mut base = None;
    for path in paths.iter().rev() {
        base = Some(Arc::new(open(path.as_ref(), base, limits)?));
    }
    Ok(base)
}

fn open(path: &Path, base: Option<Arc<Base>>, limits: Limits) -> Result<Base, Error> {
    let unneeded = || Error::UnneededBase {
        path: path.to_owned(),
    };
    if !is_hct(path) {
        return match base {
            Some(_) => Err(unneeded()),
            None => Ok(Base::checkpoint(Checkpoint::open(path)?)),
        };
    }
    let model = HctFile::open_within(path, limits)?;
    model.check_limits()?;
    Base::model(match base {
        Some(_) if !model.needs_base() => return Err(unneeded()),
        Some(base) => model.with_base(base),
        None => model,
    })
}
