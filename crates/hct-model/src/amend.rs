//! A file with other contents of some tensors, all else copied as it is coded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use hct_core::{BlockType, ReadAt, TensorMeta};
use hct_strategies::{LosslessEncoder, Strategy, TensorView};

use crate::begin::begin;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::content_hash::hash_of;
use crate::error::Error;
use crate::hct_model::HctModel;
use crate::parts::merge::copy_file;
use crate::progress::Progress;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// Bytes that tensors are to have, by their numbers.
pub type Amendments = BTreeMap<usize, Vec<u8>>;

/// Writes `model` to `output` with other bytes of the tensors of these numbers, which are then stored
/// losslessly, and gives the writer back. Everything else is copied as it is coded, its checksums
/// checked. The file is said to have been made as `provenance` says.
///
/// # Errors
/// When there is no such tensor, it has another number of bytes, what is copied is damaged, or the
/// output cannot be written.
pub fn amend<R: ReadAt, W: Write>(
    model: &HctModel<R>,
    amendments: &Amendments,
    output: W,
    provenance: Option<&str>,
    progress: &dyn Progress,
) -> Result<W, Error> {
    let index = model.index();
    if let Some((&number, _)) = amendments.last_key_value()
        && number >= index.tensors.len()
    {
        // Says that there is none.
        model.tensor(number)?;
    }
    let mut writer = begin(output, provenance, index.base_hint.as_deref())?;
    for entry in &index.files {
        copy_file(model, entry, &mut writer)?;
    }
    for (number, record) in index.tensors.iter().enumerate() {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        match amendments.get(&number) {
            // Files have the numbers that they had.
            None => model.copy_to(number, record.file, &mut writer)?,
            Some(bytes) => {
                let meta = TensorMeta {
                    name: record.name.clone(),
                    dtype: record.dtype,
                    shape: record.shape.clone(),
                };
                let view = TensorView {
                    meta: &meta,
                    bytes,
                    base: None,
                };
                let coded = LosslessEncoder.encode(view);
                let coded = coded.map_err(|error| error.in_tensor(&meta.name));
                let coded = coded.map_err(Error::hct(model.name()))?;
                let label = format!("{} (tuned)", coded.label);
                writer
                    .add_tensor(meta, coded.tensor, record.file, &label)
                    .map_err(Error::output)?;
                if record.hash.is_some() {
                    writer.set_tensor_hash(hash_of(bytes));
                }
            }
        }
        progress.advance(record.payload_bytes(), &record.name);
    }
    writer.finish().map_err(Error::output)
}

/// A checkpoint with other bytes of some tensors: what a file that was amended is to be held against.
pub struct Amended<'a> {
    source: &'a dyn CheckpointSource,
    amendments: &'a Amendments,
}

impl<'a> Amended<'a> {
    /// `source` with these amendments.
    pub fn new(source: &'a dyn CheckpointSource, amendments: &'a Amendments) -> Self {
        Amended { source, amendments }
    }
}

impl TensorSource for Amended<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        self.source.tensors()
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        match self.amendments.get(&index) {
            Some(bytes) => Ok(Cow::Borrowed(bytes)),
            None => self.source.read(index),
        }
    }
}

impl CheckpointSource for Amended<'_> {
    fn name(&self) -> &Path {
        self.source.name()
    }

    fn total_bytes(&self) -> u64 {
        self.source.total_bytes()
    }

    fn files(&self) -> &[CarriedFile] {
        self.source.files()
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.source.read_file(number)
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        self.source.file_of(index)
    }

    fn is_remote(&self) -> bool {
        self.source.is_remote()
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        let Some(bytes) = self.amendments.get(&index) else {
            return self.source.read_range(index, range);
        };
        let whole = 0..bytes.len() as u64;
        match whole.contains(&range.start) && range.end <= whole.end {
            true => Ok(Cow::Borrowed(
                &bytes[range.start as usize..range.end as usize],
            )),
            // Says what is wrong with it, as it has the same length.
            false => self.source.read_range(index, range),
        }
    }

    fn blocks_of(&self, index: usize) -> Option<BlockType> {
        self.source.blocks_of(index)
    }
}
