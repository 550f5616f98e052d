//! Checkpoints of any kind and in any place, as [`crate::encode`] takes them.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use hct_core::{BlockType, FileKind};

use crate::error::Error;
use crate::tensor_info::TensorInfo;
use crate::tensor_source::TensorSource;

/// A file of a checkpoint that an HCT file carries, so that the checkpoint can be written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedFile {
    /// The header of a file of tensors, or a whole other file.
    pub kind: FileKind,
    /// The path within the checkpoint, with forward slashes; of a shard, a plain name.
    pub path: String,
    /// Bytes that are carried.
    pub len: u64,
}

/// A checkpoint to compress: tensors, and the files that they are in and come with.
///
/// What is read must be of one state of the checkpoint. A source that finds it changed since it
/// was opened errs with [`Error::Changed`].
pub trait CheckpointSource: TensorSource {
    /// The path of the checkpoint, or whatever names it in messages.
    fn name(&self) -> &Path;

    /// Bytes of the files that hold tensors, headers included.
    fn total_bytes(&self) -> u64;

    /// The files to carry, in the order in which they are to be stored.
    fn files(&self) -> &[CarriedFile];

    /// The bytes of file `number` of [`CheckpointSource::files`]: of a shard the header alone, as
    /// it is but for the length that safetensors files have before it; of a GGUF file its length in
    /// eight bytes and what comes before its data.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    fn read_file(&self, number: usize) -> Result<Cow<'_, [u8]>, Error>;

    /// The number in [`CheckpointSource::files`] of the shard that tensor `index` is in. Tensors
    /// of none can be read from an HCT file, but not be restored as a checkpoint.
    fn file_of(&self, index: usize) -> Option<usize>;

    /// The bytes `range` of tensor `index`, counted from its first.
    ///
    /// # Errors
    /// When there is no such tensor or range, or it cannot be read.
    fn read_range(&self, index: usize, range: Range<u64>) -> Result<Cow<'_, [u8]>, Error>;

    /// Whether reading takes requests, of which few large ones are best.
    fn is_remote(&self) -> bool {
        false
    }

    /// Elements of all float tensors, and weights of all block-quantized ones.
    fn weights(&self) -> u64 {
        let weights = |(i, tensor): (usize, &TensorInfo)| match self.blocks_of(i) {
            Some(kind) => tensor.elements() / kind.bytes() as u64 * kind.weights() as u64,
            None if tensor.dtype.is_float() => tensor.elements(),
            None => 0,
        };
        let tensors = self.tensors().iter().enumerate();
        tensors.map(weights).fold(0, u64::saturating_add)
    }

    /// The type of the block-quantized weights that tensor `index` is, if it is: its bytes are then
    /// whole blocks, as U8.
    fn blocks_of(&self, _index: usize) -> Option<BlockType> {
        None
    }
}
