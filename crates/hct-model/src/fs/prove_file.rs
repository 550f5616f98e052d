//! Reading a file again that has no name yet.

use std::path::Path;
use std::sync::Arc;

use hct_core::Limits;

use super::atomic_file::AtomicFile;
use super::file_source::FileSource;
use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::progress::Progress;
use crate::proof::{Proof, prove};

/// Makes sure that `file`, which is to become `output`, is on disk and decodes to `source`.
pub(super) fn prove_file(
    file: &mut AtomicFile,
    output: &Path,
    source: &dyn CheckpointSource,
    proof: &Proof,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let written = FileSource::open(file.sync()?)?;
    // It is ours, and may be nearly all zeros.
    let model = HctModel::new_within(output, written, Limits::none());
    let model = model.map_err(|reason| Error::NotAsWritten {
        path: output.to_owned(),
        what: "the index".into(),
        reason: Some(Box::new(reason)),
    })?;
    let model = match &proof.base {
        Some(base) if model.needs_base() => model.with_base(Arc::clone(base)),
        _ => model,
    };
    prove(&model, source, progress)
}
