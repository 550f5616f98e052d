//! The ways a GGUF file can lie.

use hct_core::Dtype;

use super::tensor_type::GgufType;

/// What is wrong with a GGUF file; [`crate::Error::Gguf`] says which file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file does not begin as GGUF files do.
    #[error("it is no GGUF file")]
    NotGguf,
    /// A version that is not read.
    #[error("it is of GGUF version {version}; 2 and 3 are read")]
    Version {
        /// The version.
        version: u32,
    },
    /// The numbers have their most significant bytes first.
    #[error("it is a big-endian GGUF file, which is not read")]
    BigEndian,
    /// The file ends before what it promises.
    #[error("{what} goes on to byte {end}, but the file has {len} bytes")]
    CutShort {
        /// What is cut short: a key, a tensor or a part of the header.
        what: String,
        /// Where it would end, in bytes from the start of the file.
        end: u64,
        /// Bytes there are.
        len: u64,
    },
    /// A key or the name of a tensor that is not text.
    #[error("the name of {what} is not UTF-8")]
    NotUtf8 {
        /// The key or tensor, by its number from 0.
        what: String,
    },
    /// Two values for a key.
    #[error("the key {key:?} is in it twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A type of values that is not known.
    #[error("the key {key:?} has a value of the unknown type {code}")]
    ValueType {
        /// The key.
        key: String,
        /// The code of the type.
        code: u32,
    },
    /// A truth value other than 0 and 1.
    #[error("the key {key:?} has the truth value {value}")]
    NotBool {
        /// The key.
        key: String,
        /// The byte.
        value: u8,
    },
    /// Arrays in arrays, too deep.
    #[error("the key {key:?} has arrays in more than {limit} others")]
    TooDeep {
        /// The key.
        key: String,
        /// The most that are read.
        limit: usize,
    },
    /// `general.alignment` is no alignment.
    #[error("general.alignment is no power of two from 1 to {limit} of type U32")]
    Alignment {
        /// The largest that is read.
        limit: u32,
    },
    /// Two tensors of a name.
    #[error("the tensor {name:?} is in it twice")]
    DuplicateTensor {
        /// The name.
        name: String,
    },
    /// More dimensions than ggml has.
    #[error("the tensor {name:?} has {dimensions} dimensions; there are 4 at most")]
    Dimensions {
        /// The tensor.
        name: String,
        /// How many it is said to have.
        dimensions: u32,
    },
    /// A type of tensors that is not known.
    #[error("the tensor {name:?} is of the unknown type {code}")]
    TensorType {
        /// The tensor.
        name: String,
        /// The code of the type.
        code: u32,
    },
    /// More elements than can be counted.
    #[error("the tensor {name:?} has too many elements")]
    TooLarge {
        /// The tensor.
        name: String,
    },
    /// Rows that end within a block.
    #[error("the tensor {name:?} has rows of {row} weights, which are no whole blocks of {block}")]
    PartialBlock {
        /// The tensor.
        name: String,
        /// Weights of a row.
        row: u64,
        /// Weights of a block.
        block: usize,
    },
    /// An offset that is no multiple of the alignment.
    #[error("the tensor {name:?} is at offset {offset}, which is not aligned to {alignment} bytes")]
    Unaligned {
        /// The tensor.
        name: String,
        /// Bytes from the start of the data.
        offset: u64,
        /// The alignment.
        alignment: u64,
    },
    /// Two tensors that share bytes.
    #[error("the tensor {name:?} lies over {other:?}")]
    Overlap {
        /// The tensor.
        name: String,
        /// The one before it.
        other: String,
    },
    /// Bytes between tensors, or after them, that are more than alignment asks for or not 0: no
    /// HCT file could bring them back.
    #[error("there are bytes of no tensor before byte {end} of the data")]
    Gap {
        /// Where they end, in bytes from the start of the data.
        end: u64,
    },
    /// More of something than is read.
    #[error("it has {count} {what} (limit {limit})")]
    TooMany {
        /// Keys or tensors.
        what: &'static str,
        /// How many it is said to have.
        count: u64,
        /// The most that are read.
        limit: u64,
    },
    /// The header is larger than an HCT file carries.
    #[error("its header is longer than {limit} bytes")]
    HeaderTooLarge {
        /// The most that is read.
        limit: u64,
    },
    /// The carried header is not all that came before the data.
    #[error("its header does not end where the data begin")]
    HeaderLength,
    /// A dtype that blocks are not turned into.
    #[error("blocks are turned into F16, BF16 or F32, not into {dtype}")]
    NoFloats {
        /// The dtype.
        dtype: Dtype,
    },
    /// Blocks of which it is not known what numbers they stand for.
    #[error("it is not known here what numbers the {kind} blocks of the tensor {name:?} stand for")]
    NoNumbers {
        /// The tensor.
        name: String,
        /// Its type.
        kind: GgufType,
    },
    /// A number that a dtype does not have.
    #[error("the tensor {name:?} has numbers that are too large for {dtype}; take BF16 or F32")]
    Beyond {
        /// The tensor.
        name: String,
        /// The dtype.
        dtype: Dtype,
    },
    /// Heads of attention that do not divide the rows of a matrix.
    #[error("the {rows} rows of the tensor {name:?} are no {heads} heads of pairs of rows")]
    Heads {
        /// The tensor.
        name: String,
        /// Its rows.
        rows: u64,
        /// The heads that the metadata say.
        heads: u64,
    },
}
