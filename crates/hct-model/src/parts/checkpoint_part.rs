//! Some tensors of a checkpoint, as one to compress.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use hct_core::BlockType;

use super::part::Part;
use crate::base::BaseMatch;
use crate::checkpoint_source::{CarriedFile, CheckpointSource};
use crate::error::Error;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// A part of a checkpoint. It carries the headers of all its shards, so that parts can be joined;
/// the first carries the side files as well.
pub struct CheckpointPart<'a> {
    whole: &'a dyn CheckpointSource,
    tensors: Vec<TensorInfo>,
    /// Their numbers in the whole.
    numbers: Vec<usize>,
    files: Vec<CarriedFile>,
    /// The same of the files, and the numbers here of those of the whole.
    file_numbers: Vec<usize>,
    here: Vec<Option<usize>>,
}

impl<'a> CheckpointPart<'a> {
    /// That part of `whole`.
    pub fn new(whole: &'a dyn CheckpointSource, part: Part) -> Self {
        let all = whole.tensors();
        let sizes: Vec<(&str, u64)> = all.iter().map(|t| (&t.name[..], t.byte_len())).collect();
        Self::of_tensors(whole, part.tensors(&sizes), part.is_first())
    }

    /// The tensors of these numbers, with the side files if asked for.
    pub(crate) fn of_tensors(
        whole: &'a dyn CheckpointSource,
        numbers: Vec<usize>,
        side_files: bool,
    ) -> Self {
        let all = whole.tensors();
        let carried = |file: &CarriedFile| file.kind.has_tensors() || side_files;
        let (mut files, mut file_numbers, mut here) = (Vec::new(), Vec::new(), Vec::new());
        for (number, file) in whole.files().iter().enumerate() {
            here.push(carried(file).then_some(files.len()));
            if carried(file) {
                files.push(file.clone());
                file_numbers.push(number);
            }
        }
        CheckpointPart {
            whole,
            tensors: numbers.iter().map(|&i| all[i].clone()).collect(),
            numbers,
            files,
            file_numbers,
            here,
        }
    }

    /// What of a base goes with the part, where `matched` is what goes with the whole.
    pub fn base<'b>(&self, matched: &BaseMatch<'b>) -> BaseMatch<'b> {
        let partner = |&i: &usize| matched.partners.get(i).copied().flatten();
        BaseMatch {
            partners: self.numbers.iter().map(partner).collect(),
            ..matched.clone()
        }
    }

    /// The number in the whole of tensor `index`.
    fn number(&self, index: usize) -> Result<usize, Error> {
        let number = self.numbers.get(index).copied();
        number.ok_or_else(|| Error::NoSuchTensor {
            path: self.name().to_owned(),
            index,
            count: self.numbers.len(),
        })
    }
}

impl TensorSource for CheckpointPart<'_> {
    /// Those of the part, in the order of the whole.
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, Error> {
        self.whole.read(self.number(index)?)
    }
}

impl CheckpointSource for CheckpointPart<'_> {
    /// That of the whole.
    fn name(&self) -> &Path {
        self.whole.name()
    }

    /// Bytes of the part's tensors.
    fn total_bytes(&self) -> u64 {
        let sizes = self.tensors.iter().map(TensorInfo::byte_len);
        sizes.fold(0, u64::saturating_add)
    }

    fn files(&self) -> &[CarriedFile] {
        &self.files
    }

    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error> {
        match self.file_numbers.get(number) {
            Some(&number) => self.whole.read_file(number),
            None => Err(Error::NoSuchFile {
                path: self.name().to_owned(),
                number,
                count: self.files.len(),
            }),
        }
    }

    fn file_of(&self, index: usize) -> Option<usize> {
        let file = self.whole.file_of(*self.numbers.get(index)?)?;
        *self.here.get(file)?
    }

    fn blocks_of(&self, index: usize) -> Option<BlockType> {
        self.whole.blocks_of(*self.numbers.get(index)?)
    }

    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error> {
        self.whole.read_range(self.number(index)?, range)
    }

    fn is_remote(&self) -> bool {
        self.whole.is_remote()
    }
}
