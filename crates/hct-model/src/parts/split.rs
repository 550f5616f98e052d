//! A file into parts, without decoding.

use std::io::Write;

use hct_core::ReadAt;

use super::merge::copy_file;
use super::part::deal;
use crate::batch::runs;
use crate::begin::begin;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::progress::Progress;
use crate::tensor_source::TensorSource;

/// The tensors of so many parts, by number: those that [`crate::CheckpointPart`] has.
pub fn split<R: ReadAt>(model: &HctModel<R>, parts: usize) -> Vec<Vec<usize>> {
    let tensors = model.tensors().iter();
    let sizes: Vec<(&str, u64)> = tensors.map(|t| (&t.name[..], t.byte_len())).collect();
    deal(&sizes, parts)
}

/// The tensors of parts whose payload takes no more than `most` bytes where a single tensor does not,
/// by number: those that follow each other in the file.
pub fn split_by_size<R: ReadAt>(model: &HctModel<R>, most: u64) -> Vec<Vec<usize>> {
    let tensors = model.index().tensors.iter();
    let sizes: Vec<u64> = tensors.map(|tensor| tensor.payload_bytes()).collect();
    match sizes.len() {
        0 => vec![Vec::new()],
        tensors => {
            let parts = runs(&sizes, most, tensors).into_iter();
            parts.map(Iterator::collect).collect()
        }
    }
}

impl<R: ReadAt> HctModel<R> {
    /// Writes the tensors of these numbers, as they are coded, to a file of their own, and gives the
    /// writer back: a part that [`crate::merge`] takes. With `side_files` the part carries those as
    /// well; one of the parts has to.
    ///
    /// # Errors
    /// When the file is damaged, there is no such tensor, or the output cannot be written.
    pub fn write_part<W: Write>(
        &self,
        tensors: &[usize],
        side_files: bool,
        output: W,
        provenance: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<W, Error> {
        let index = self.index();
        let mut writer = begin(output, provenance, index.base_hint.as_deref())?;
        let mut files = vec![None; index.files.len()];
        for (entry, placed) in index.files.iter().zip(&mut files) {
            if entry.kind.has_tensors() || side_files {
                *placed = Some(copy_file(self, entry, &mut writer)?);
            }
        }
        for &number in tensors {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let record = index.tensors.get(number);
            let file = record.and_then(|record| files[record.file?]);
            self.copy_to(number, file, &mut writer)?;
            if let Some(record) = record {
                progress.advance(record.payload_bytes(), &record.name);
            }
        }
        writer.finish().map_err(Error::output)
    }
}
