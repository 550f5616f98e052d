//! Reading again what was written, before it takes the place of anything.

use std::sync::Arc;

use hct_core::{FileKind, ReadAt, Recipe};

use crate::base::{Base, in_batches};
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::progress::Progress;
use crate::tensor_source::TensorSource;

/// What it takes to decode a file that has just been written.
#[derive(Clone, Default)]
pub struct Proof {
    /// What it is coded against.
    pub base: Option<Arc<Base>>,
}

/// Decodes all of `model`, which `source` has just been coded to: what is stored losslessly must be what
/// it was, byte for byte, and everything else must decode. `progress` is told by
/// [`Progress::checking`] and [`Progress::checked`], and may stop it.
///
/// This finds faults of the encoder and of memory. What a disk does to a file later it cannot tell: as a
/// rule the file comes out of the memory of the operating system.
///
/// # Errors
/// [`Error::NotAsWritten`] when anything is not as it was; when the source cannot be read or was
/// changed.
pub fn prove<R: ReadAt>(
    model: &HctModel<R>,
    source: &dyn CheckpointSource,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let wrong = |what: String, reason: Option<Error>| Error::NotAsWritten {
        path: model.name().to_owned(),
        what,
        reason: reason.map(Box::new),
    };
    match model.check_layout() {
        Ok(()) | Err(Error::Incomplete { .. }) => {}
        Err(reason) => return Err(wrong("the checkpoint".into(), Some(reason))),
    }
    if model.tensors() != source.tensors() {
        return Err(wrong("the list of tensors".into(), None));
    }
    for entry in &model.index().files {
        if entry.kind != FileKind::Side {
            continue;
        }
        let name = || format!("the file {:?}", entry.path);
        let is_it = |file: &CarriedFile| file.path == entry.path;
        let Some(number) = source.files().iter().position(is_it) else {
            return Err(wrong(name(), None));
        };
        match model.carried(entry) {
            Ok(bytes) if *bytes == *source.read_file(number)? => {}
            Ok(_) => return Err(wrong(name(), None)),
            Err(reason) => return Err(wrong(name(), Some(reason))),
        }
    }
    progress.checking();
    let sizes: Vec<u64> = source.tensors().iter().map(|t| t.byte_len()).collect();
    in_batches(&sizes, progress, |i| {
        let name = || format!("tensor {:?}", source.tensors()[i].name);
        let record = &model.index().tensors[i];
        let lossy = matches!(record.recipe, Recipe::Fragments { .. });
        if lossy || (record.base().is_some() && model.base().is_none()) {
            let checked = model.verify(i);
            checked.map_err(|reason| wrong(name(), Some(reason)))?;
        } else {
            let bytes = model.read(i);
            let bytes = bytes.map_err(|reason| wrong(name(), Some(reason)))?;
            if *bytes != *source.read(i)? {
                return Err(wrong(name(), None));
            }
        }
        progress.checked(sizes[i]);
        Ok(())
    })
    .map(drop)
}
