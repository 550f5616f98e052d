//! Checking all of an HCT file.

use hct_core::ReadAt;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::error_chain::{error_chain, innermost};
use crate::hct_model::HctModel;
use crate::progress::Progress;

/// Decoded bytes from which a tensor is checked on its own: it is decoded in parallel by itself,
/// and several at once could exhaust memory.
const LARGE: u64 = 16 << 20;

/// A part of an HCT file that is damaged.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyFailure {
    /// `tensor` or `file`; `recovery block`, of which nothing is missing in what the file restores to; `index`
    /// when the file could not be opened, or says a version that it does not need.
    pub kind: &'static str,
    /// Its name or path; of a recovery block its place, such as `at byte 65552`.
    pub name: String,
    /// What is wrong, in words.
    pub error: String,
    /// Of a tensor the pieces whose checksums do not fit, such as `tile 3`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<String>,
}

/// All that is wrong with `model`, in stored order: every checksum is checked and everything decoded,
/// but for tensors whose base was not given, of which the checksums alone are; recovery blocks are held against the index. That tensors are missing
/// of a part is no damage; a file that exceeds its limits is not looked into. `progress` is told the bytes
/// of the file, and may stop it early.
pub fn verify<R: ReadAt>(model: &HctModel<R>, progress: &dyn Progress) -> Vec<VerifyFailure> {
    check(model, false, progress)
}

/// The same, and whatever is to come back bit for bit and has the hash of what it was is held against it.
pub fn verify_deep<R: ReadAt>(model: &HctModel<R>, progress: &dyn Progress) -> Vec<VerifyFailure> {
    check(model, true, progress)
}

fn check<R: ReadAt>(
    model: &HctModel<R>,
    deep: bool,
    progress: &dyn Progress,
) -> Vec<VerifyFailure> {
    if let Err(error) = model.check_limits() {
        return vec![failure("index", "limits", &error)];
    }
    let tensors = &model.index().tensors;
    let files = model.index().files.iter();
    let mut failures: Vec<VerifyFailure> = files
        .filter_map(|f| Some(failure("file", &f.path, &model.carried(f).err()?)))
        .collect();
    if failures.is_empty() {
        match model.check_layout() {
            Ok(()) | Err(Error::Incomplete { .. }) => {}
            Err(error) => failures.push(failure("index", "shard headers", &error)),
        }
    }
    let tensor = |&i: &usize| {
        if progress.cancelled() {
            return None;
        }
        let checked = match deep && model.can_be_proved(i) {
            true => model.prove_content(i),
            false => model.verify(i),
        };
        let error = checked.err();
        progress.advance(tensors[i].stored_bytes(), &tensors[i].name);
        let mut failure = failure("tensor", &tensors[i].name, &error?);
        failure.pieces = model.damaged_pieces(i);
        Some((i, failure))
    };
    let (large, small): (Vec<usize>, Vec<usize>) =
        (0..tensors.len()).partition(|&i| tensors[i].decoded_bytes() >= LARGE);
    let mut damaged: Vec<(usize, VerifyFailure)> = small.par_iter().filter_map(tensor).collect();
    damaged.extend(large.iter().filter_map(tensor));
    damaged.sort_by_key(|&(i, _)| i);
    failures.extend(damaged.into_iter().map(|(_, f)| f));
    if let Err(error) = model.check_version() {
        failures.push(failure("index", "version", &error));
    }
    let blocks = model.damaged_recovery_blocks().into_iter();
    failures.extend(blocks.map(|(place, error)| failure(RECOVERY_BLOCK, &place, &error)));
    failures
}

/// The kind of failure of a recovery block.
pub(crate) const RECOVERY_BLOCK: &str = "recovery block";

/// A part of a file that `error` keeps from being read.
pub(crate) fn failure(kind: &'static str, name: &str, error: &Error) -> VerifyFailure {
    let error = match error {
        // The name stands beside it.
        Error::NotTheOriginal { .. } => {
            "comes back as something else: its BLAKE3 hash is another".into()
        }
        Error::Hct { error, .. } => error_chain(innermost(error)),
        Error::Carried { reason, .. } => reason.clone(),
        other => error_chain(other),
    };
    VerifyFailure {
        kind,
        name: name.to_owned(),
        error,
        pieces: Vec::new(),
    }
}

/// A `tensor` or `file` that is not in what is saved.
pub(crate) fn lost_part(kind: &'static str, name: &str, error: impl Into<String>) -> VerifyFailure {
    VerifyFailure {
        kind,
        name: name.to_owned(),
        error: error.into(),
        pieces: Vec::new(),
    }
}
