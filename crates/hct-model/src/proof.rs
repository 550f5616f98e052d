//! Reading again what was written, before it takes the place of anything.

use std::sync::Arc;

use hct_core::{FileKind, ReadAt, Recipe};

use crate::bands::{BAND, Band, bands, overlapped_bands};
use crate::base::Base;
use crate::batch::in_batches;
use crate::buffers::Buffers;
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
    let records = &model.index().tensors;
    let lossy = |i: usize| matches!(records[i].recipe, Recipe::Fragments { .. });
    let in_tensor = |i: usize, reason| wrong(format!("tensor {:?}", records[i].name), reason);
    let failed = |i: usize, reason| in_tensor(i, Some(reason));
    // Without the base the others cannot be decoded.
    let (decoded, checked): (Vec<usize>, Vec<usize>) =
        (0..records.len()).partition(|&i| records[i].base().is_none() || model.base().is_some());
    let sizes: Vec<u64> = checked
        .iter()
        .map(|&i| records[i].decoded_bytes())
        .collect();
    in_batches(&sizes, progress, |k| {
        let i = checked[k];
        let intact = model.verify_checksums(i);
        intact.map_err(|reason| failed(i, reason))?;
        progress.checked(sizes[k]);
        Ok(())
    })?;
    let buffers = Buffers::default();
    let prove_band = |band: &Band<'_, R>| {
        let i = band.number;
        let bytes = band.part.decode_with(&buffers);
        let bytes = bytes.map_err(|reason| failed(i, reason))?;
        if !lossy(i) && *bytes != *source.read_range(i, band.part.byte_range())? {
            return Err(in_tensor(i, None));
        }
        buffers.give(bytes);
        progress.checked(band.part.byte_len());
        Ok(())
    };
    // What is compared with a source that is far away is so as a whole, which that reads by several requests at once.
    let bands = bands(model, &decoded, |i| match source.is_remote() && !lossy(i) {
        true => u64::MAX,
        false => BAND,
    })?;
    overlapped_bands(model, &bands, progress, failed, prove_band, |_, ()| Ok(()))
}
