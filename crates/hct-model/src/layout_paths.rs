//! The paths at which an HCT file's checkpoint is written.

use std::collections::BTreeSet;

use hct_core::ReadAt;

use crate::error::Error;
use crate::hct_model::HctModel;
use crate::safe_path::safe_relative_path;

/// Errs unless every file that is carried can be written below one folder, beside all others: its path
/// is safe, and no other's is the same or within it.
pub(crate) fn check_paths<R: ReadAt>(model: &HctModel<R>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for entry in &model.index().files {
        safe_relative_path(&entry.path)?;
        if !seen.insert(&entry.path[..]) {
            return Err(clash(model, &entry.path, "there are two of that path"));
        }
    }
    for path in &seen {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        for folder in folders {
            if seen.contains(folder) {
                let reason = format!("it is within {folder:?}, which is a file");
                return Err(clash(model, path, &reason));
            }
        }
    }
    Ok(())
}

fn clash<R: ReadAt>(model: &HctModel<R>, file: &str, reason: &str) -> Error {
    Error::Carried {
        path: model.name().to_owned(),
        file: file.to_owned(),
        reason: reason.to_owned(),
    }
}
