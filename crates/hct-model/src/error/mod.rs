//! Everything that can be wrong with a checkpoint, or go wrong while one is read or written.
//!
//! A message says its own part and leaves the rest to its
//! [`source`](std::error::Error::source): print the whole chain. Names that come from files are
//! printed with `{:?}`: a tensor may be called anything, terminal escapes included.

mod making;

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use hct_core::Dtype;
use hct_strategies::{AllocationError, SpecError};

use crate::base::fault::BaseFault;
use crate::base::map::BaseMapError;
use crate::calibration::CalibrationFault;
use crate::gguf::{ExportFault, GgufError};
use crate::header::HeaderError;
use crate::parts::fault::PartFault;

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// A socket, pipe, device or the like, or a folder where a file belongs.
    #[error("{}: not a regular file", path.display())]
    NotAFile {
        /// The path in question.
        path: PathBuf,
    },
    /// The index of a sharded checkpoint was given instead of its folder.
    #[error("{}: this is the index of a sharded checkpoint; pass the folder it is in", path.display())]
    IndexGiven {
        /// The index.
        path: PathBuf,
    },
    /// A folder with no weights in it.
    #[error("{}: no .safetensors file in this folder", dir.display())]
    NoSafetensors {
        /// The folder.
        dir: PathBuf,
    },
    /// A folder where it is unclear which file is meant.
    #[error(
        "{}: several candidates and nothing to tell which is the model: {}; pass one .safetensors file",
        dir.display(),
        names.join(", ")
    )]
    Ambiguous {
        /// The folder.
        dir: PathBuf,
        /// The names of the candidates.
        names: Vec<String>,
    },
    /// A shard whose name could not be carried in an HCT file.
    #[error("{}: this file name cannot be stored ({reason}); rename the file", path.display())]
    FileName {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        reason: &'static str,
    },
    /// The header of a safetensors file is wrong.
    #[error("{}", file.display())]
    Header {
        /// The safetensors file.
        file: PathBuf,
        /// What is wrong with its header.
        #[source]
        reason: HeaderError,
    },

    /// A model asked for as safetensors that was GGUF, or the other way round.
    #[error(
        "{}: it is written back in the form that it was compressed from; give a name with that extension, or a folder",
        path.display()
    )]
    OtherForm {
        /// The HCT file.
        path: PathBuf,
    },
    /// A GGUF file is wrong.
    #[error("{}", file.display())]
    Gguf {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        reason: GgufError,
    },
    /// The index of a sharded checkpoint is implausibly large.
    #[error("{}: {len} bytes is too large for an index (limit {limit})", index.display())]
    IndexTooLarge {
        /// The index.
        index: PathBuf,
        /// Its length.
        len: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The index of a sharded checkpoint is not the JSON it should be.
    #[error("{}: not a valid safetensors index", index.display())]
    IndexJson {
        /// The index.
        index: PathBuf,
        /// What is wrong with it.
        #[source]
        reason: serde_json::Error,
    },
    /// The index maps no tensor to any shard.
    #[error("{}: the index names no tensors", index.display())]
    IndexEmpty {
        /// The index.
        index: PathBuf,
    },
    /// The index has two entries for one tensor.
    #[error("{}: tensor {tensor:?} is listed twice", index.display())]
    IndexDuplicate {
        /// The index.
        index: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// The index sends a tensor to something other than a plain file next to it.
    #[error("{}: tensor {tensor:?} is said to be in {shard:?}, which is not a plain file name in this folder: {reason}", index.display())]
    ShardPath {
        /// The index.
        index: PathBuf,
        /// The first tensor sent there.
        tensor: String,
        /// The name the index gives.
        shard: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The index names a file that is not there.
    #[error("{}: shard {shard:?}, which holds tensor {tensor:?}, is missing; download it into the same folder", index.display())]
    ShardMissing {
        /// The index.
        index: PathBuf,
        /// The first tensor said to be in it.
        tensor: String,
        /// The shard.
        shard: String,
    },
    /// The index promises a tensor that its shard does not have.
    #[error("{}: tensor {tensor:?} is said to be in {shard:?}, but is not; the index and the shards are from different models, or a shard is stale", index.display())]
    NotInShard {
        /// The index.
        index: PathBuf,
        /// The tensor.
        tensor: String,
        /// The shard it should be in.
        shard: String,
    },
    /// A shard has a tensor the index does not know of.
    #[error("{}: tensor {tensor:?} of {shard:?} is not listed; the index and the shards are from different models, or a shard is stale", index.display())]
    NotInIndex {
        /// The index.
        index: PathBuf,
        /// The tensor.
        tensor: String,
        /// The shard it is in.
        shard: String,
    },
    /// Two shards have a tensor of the same name.
    #[error("{}: tensor {tensor:?} is in both {first:?} and {second:?}", dir.display())]
    InTwoShards {
        /// The folder.
        dir: PathBuf,
        /// The tensor.
        tensor: String,
        /// One shard.
        first: String,
        /// The other shard.
        second: String,
    },

    /// There is no tensor of this number.
    #[error("{}: no tensor number {index}: there are {count}", path.display())]
    NoSuchTensor {
        /// The checkpoint.
        path: PathBuf,
        /// The number asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A part of a tensor was asked for that it does not have.
    #[error("{}: tensor {tensor:?} has {len} bytes; there is no range {range:?}", file.display())]
    NoSuchRange {
        /// The safetensors file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The range asked for.
        range: Range<u64>,
        /// The length of the tensor in bytes.
        len: u64,
    },
    /// A file was changed, or cut short, after it was opened: what was read of it before may not
    /// go with the rest.
    #[error("{}: changed while it was read; start again when nothing writes to it", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// There is no carried file of this number.
    #[error("{}: no file number {number}: there are {count}", path.display())]
    NoSuchFile {
        /// The checkpoint.
        path: PathBuf,
        /// The number asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A tensor larger than the address space of this machine.
    #[error("{}: tensor {tensor:?} ({len} bytes) is too large for this machine", file.display())]
    TooLargeForMachine {
        /// The safetensors file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its length in bytes.
        len: u64,
    },

    /// A stored path that could lead out of the output folder, or do other harm there.
    #[error("refusing the stored path {path:?}: {reason}")]
    UnsafePath {
        /// The path as stored.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Bytes were written for a tensor whose turn it is not.
    #[error("{}: bytes of tensor {tensor:?} came out of turn, after {written} bytes of data", file.display())]
    OutOfTurn {
        /// The safetensors file being written.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// How much data had been written.
        written: u64,
    },
    /// More bytes were written for a tensor than the header gives it.
    #[error("{}: tensor {tensor:?} has {len} bytes, but more were written", file.display())]
    TooManyBytes {
        /// The safetensors file being written.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The length of the tensor in bytes.
        len: u64,
    },
    /// A safetensors or GGUF file was finished before all of it was written.
    #[error("{}: tensor {tensor:?} lacks its last {missing} bytes", file.display())]
    TooFewBytes {
        /// The file being written.
        file: PathBuf,
        /// The first unfinished tensor.
        tensor: String,
        /// How many of its bytes are missing.
        missing: u64,
    },
    /// The output is already there.
    #[error("{} already exists; choose another name or allow overwriting", path.display())]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// The output is what is being read, or a folder that it is in.
    #[error("the output {} would replace the input; choose another name", path.display())]
    ReplacesInput {
        /// The output.
        path: PathBuf,
    },
    /// The name of the output does not say what to write.
    #[error("{} should end in .safetensors or .npy, to say what to write", path.display())]
    OutputForm {
        /// The output.
        path: PathBuf,
    },
    /// NumPy files cannot hold the elements.
    #[error("NumPy has no type for the {dtype} elements of {tensor:?}; name a .safetensors file")]
    NoNumpyType {
        /// The tensor.
        tensor: String,
        /// Its dtype.
        dtype: Dtype,
    },
    /// A folder was finished before all files in it were.
    #[error("{}: {files} files in it are unfinished", path.display())]
    Unfinished {
        /// The output.
        path: PathBuf,
        /// How many.
        files: usize,
    },
    /// The output path does not name anything that could be created.
    #[error("{} does not end in a name; say what the output is to be called", path.display())]
    OutputUnnamed {
        /// The output.
        path: PathBuf,
    },
    /// Overwriting would take the place of something that is not overwritten: a link, a device, a folder
    /// with other things in it.
    #[error("not replacing {}: {reason}", path.display())]
    NotReplaceable {
        /// The output.
        path: PathBuf,
        /// What it is, and what to do.
        reason: String,
    },
    /// Another process is writing the output.
    #[error("another process is writing {}; wait for it, or choose another name", path.display())]
    OutputBusy {
        /// The output.
        path: PathBuf,
    },
    /// The new folder could not be put in place, nor the old one be put back.
    #[error("cannot replace {}; the old folder is safe in {}", path.display(), old.display())]
    OldStranded {
        /// The output.
        path: PathBuf,
        /// Where the old folder is now.
        old: PathBuf,
        /// What the operating system said.
        #[source]
        reason: io::Error,
    },
    /// The codec found something wrong in an HCT file, or could not encode; the error names the
    /// tensor where there is one.
    #[error("{}", path.display())]
    Hct {
        /// The HCT file, or the checkpoint that was being encoded.
        path: PathBuf,
        /// What was wrong.
        #[source]
        error: Box<hct_core::Error>,
    },
    /// A file that was written does not decode to what was coded.
    #[error(
        "{}: {what} is not read back as it was; the file was not kept: this is a fault of the memory, of \
         the disk or of this program",
        path.display()
    )]
    NotAsWritten {
        /// The output.
        path: PathBuf,
        /// What is not as it was.
        what: String,
        /// What was wrong, where it did not decode at all.
        #[source]
        reason: Option<Box<Error>>,
    },
    /// What was decoded is not what was coded, by its hash.
    #[error("{what} of {} does not come back as it was: its BLAKE3 hash is another", path.display())]
    NotTheOriginal {
        /// The file.
        path: PathBuf,
        /// What is not as it was.
        what: String,
    },
    /// An HCT file cannot be written.
    #[error("cannot write the HCT file")]
    Output {
        /// Why.
        #[source]
        error: Box<hct_core::Error>,
    },
    /// A file carried in an HCT file, or what the index says of the checkpoint, is wrong.
    #[error("{}: {file:?} carried in it: {reason}", path.display())]
    Carried {
        /// The HCT file.
        path: PathBuf,
        /// The carried file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Tensors are coded against another checkpoint, which was not given.
    #[error(
        "{}: {tensors} of its {of} tensors are coded against another checkpoint{}; give it as the base",
        path.display(),
        hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint:?} when it was made)"))
    )]
    NeedsBase {
        /// The HCT file.
        path: PathBuf,
        /// How many tensors need the base.
        tensors: usize,
        /// How many there are.
        of: usize,
        /// What the file says of where the base was.
        hint: Option<String>,
    },
    /// A checkpoint is not the one that an HCT file was coded against.
    #[error("{}: this is not the base: {tensor:?}", base.display())]
    WrongBase {
        /// What was given as the base.
        base: PathBuf,
        /// The tensor of it in question.
        tensor: String,
        /// What is wrong with it.
        #[source]
        fault: BaseFault,
    },
    /// A base was given to what is not coded against one.
    #[error("{} is not coded against a base and needs none", path.display())]
    UnneededBase {
        /// What needs none.
        path: PathBuf,
    },
    /// Too many HCT files are coded one against the other.
    #[error("{} is the last of {limit} files, each coded against the one before it, and there may be no more in a row", path.display())]
    BaseChain {
        /// The file that cannot be a base any more.
        path: PathBuf,
        /// The most there may be.
        limit: usize,
    },
    /// A map of names does not go with the checkpoint and its base.
    #[error("the map of names to those of the base")]
    BaseMap(#[from] BaseMapError),
    /// A file of calibration statistics is wrong, or does not go with another.
    #[error("{}", path.display())]
    Calibration {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        reason: CalibrationFault,
    },
    /// The options of a strategy do not go together, or not with what there is.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A plan cannot be followed.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// A calibration is of another model.
    #[error(
        "the calibration has nothing of {tensor:?}, the largest matrix; make one of this model with `hct calibrate`"
    )]
    ForeignCalibration {
        /// The matrix.
        tensor: String,
    },
    /// No distortion brings the file down to the size asked for.
    #[error(
        "{}: {wanted:.3} bits per weight cannot be reached; the nearest is {reached:.3} \
         (what is stored losslessly and carried files count too)",
        path.display()
    )]
    RateOutOfReach {
        /// The checkpoint.
        path: PathBuf,
        /// Bits per weight asked for.
        wanted: f64,
        /// The nearest that was reached.
        reached: f64,
    },
    /// An HCT file has a part of a checkpoint, all of which is needed.
    #[error(
        "{}: it has {tensors} of the {of} tensors of its checkpoint, {tensor:?} is not among them; \
         join it with the other parts first: hct merge",
        path.display()
    )]
    Incomplete {
        /// The HCT file.
        path: PathBuf,
        /// The first tensor that is missing.
        tensor: String,
        /// How many tensors it has.
        tensors: usize,
        /// How many there are in the checkpoint.
        of: usize,
    },
    /// A size was asked for where it cannot be had at once.
    #[error(
        "a size of the whole model {why}: make a plan of it with `hct plan --export PLAN.json`, and \
         give that as --plan"
    )]
    SizeNeedsPlan {
        /// Why not.
        why: &'static str,
    },
    /// Of a damaged file nothing can be saved.
    #[error("{}: nothing is left of its tensors ({lost} parts are damaged)", path.display())]
    NothingLeft {
        /// The file.
        path: PathBuf,
        /// How much is damaged.
        lost: usize,
    },
    /// A file that has lost its index has no recovery blocks, either.
    #[error(
        "{}: it cannot be opened, and has no recovery blocks that tell what is in it",
        path.display()
    )]
    NoRecoveryBlocks {
        /// The file.
        path: PathBuf,
        /// Why it cannot be opened.
        #[source]
        reason: Box<hct_core::Error>,
    },
    /// A model cannot be written as GGUF.
    #[error("{} cannot be written as GGUF", path.display())]
    Export {
        /// The model.
        path: PathBuf,
        /// Why not.
        #[source]
        fault: ExportFault,
    },
    /// Numbers were asked for of a checkpoint that has no blocks.
    #[error("{} is no GGUF file: it has no block-quantized tensors", path.display())]
    NoBlocks {
        /// The checkpoint.
        path: PathBuf,
    },
    /// HCT files are not the parts of one checkpoint.
    #[error("{}", path.display())]
    Part {
        /// The file that does not go with the others.
        path: PathBuf,
        /// Why.
        #[source]
        fault: PartFault,
    },
    /// [`crate::Progress::cancelled`] said so.
    #[error("stopped; nothing was written")]
    Cancelled,
    /// A sharded checkpoint was to be written as one file.
    #[error("{}: the model has {shards} shards; give a folder to decompress to", path.display())]
    ManyShards {
        /// The HCT file.
        path: PathBuf,
        /// Number of shards.
        shards: usize,
    },
}
