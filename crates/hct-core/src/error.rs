//! What can be wrong with a file or a request.

use std::io;

use crate::{Dtype, LimitExceeded};

/// Result of this crate's fallible operations.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the codec or the container. Every variant means one thing; [`Error::Tensor`] adds
/// which tensor it happened in. A message does not repeat that of its
/// [`source`](std::error::Error::source): print the whole chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data ends before the thing being read does.
    #[error("{what} is cut short: {needed} bytes needed, {available} there")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes the thing needs.
        needed: u64,
        /// Bytes that were left.
        available: u64,
    },
    /// The file does not begin and end like an HCT V3 file.
    #[error("not an HCT V3 file: {0}")]
    NotHct(&'static str),
    /// The file is of a version this decoder does not know.
    #[error(
        "HCT version {major}.{minor} is not supported (the newest this decoder reads is {}.{}); update hct",
        newest.0,
        newest.1
    )]
    Version {
        /// Major version in the file.
        major: u16,
        /// Minor version in the file.
        minor: u16,
        /// Newest version that this decoder reads.
        newest: (u16, u16),
    },
    /// A field holds a value that this version reserves.
    #[error(
        "{field} holds the reserved value {value}; a newer encoder wrote it, or the file is damaged"
    )]
    Reserved {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
    /// A checksum does not match.
    #[error(
        "{what} fails its checksum (stored {stored:08x}, computed {computed:08x}): the file is damaged"
    )]
    Checksum {
        /// What the checksum covers.
        what: String,
        /// CRC-32 in the file.
        stored: u32,
        /// CRC-32 of the bytes read.
        computed: u32,
    },
    /// A field contradicts the format or another field.
    #[error("{what}: {why}")]
    Invalid {
        /// The field or structure.
        what: &'static str,
        /// What was wrong with it.
        why: String,
    },
    /// An argument that makes no sense, whatever the values it goes with.
    #[error("{what}: {why}")]
    Argument {
        /// The argument.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Elements of a type that is stored losslessly only.
    #[error("{dtype} values have no lossy coding")]
    NotCodable {
        /// The type.
        dtype: Dtype,
    },
    /// A tensor without elements, which is stored losslessly only.
    #[error("the tensor is empty")]
    Empty,
    /// A NaN or an infinity, which only lossless coding holds.
    #[error("a value is NaN or infinite")]
    NotFinite,
    /// A finite value so large that sums in the decoder might overflow; only lossless coding holds
    /// it.
    #[error("a value of magnitude {magnitude:e} is too large to code with loss (limit {limit:e})")]
    TooLarge {
        /// Its magnitude, of the coefficient where there is a transform.
        magnitude: f64,
        /// The largest magnitude that can be coded.
        limit: f64,
    },
    /// A quantizer step with which the values at hand have no exact indices.
    #[error("the quantizer step {step:e} is not between {least:e} and {most:e}")]
    StepOutOfRange {
        /// The step asked for.
        step: f32,
        /// The least step possible.
        least: f32,
        /// The largest step possible.
        most: f32,
    },
    /// Values that do not fill the matrix they are said to be.
    #[error("{values} values do not make a {rows} × {cols} matrix")]
    NotAMatrix {
        /// How many values there are.
        values: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// Bytes that end within an element.
    #[error("{bytes} bytes are not whole {dtype} values")]
    PartialElement {
        /// How many bytes there are.
        bytes: usize,
        /// Type of the elements.
        dtype: Dtype,
    },
    /// Bytes that are not the elements of the tensor they are said to be.
    #[error("{bytes} bytes are not a {dtype} tensor of shape {shape:?}")]
    WrongLength {
        /// How many bytes there are.
        bytes: usize,
        /// Type of the elements.
        dtype: Dtype,
        /// Dimensions of the tensor.
        shape: Vec<u64>,
    },
    /// A coded tensor handed in as another one than it was made of.
    #[error("the coded values are not those of a {dtype} tensor of shape {shape:?}")]
    NotThisTensor {
        /// Type of the elements it should have.
        dtype: Dtype,
        /// Dimensions it should have.
        shape: Vec<u64>,
    },
    /// A name that an earlier tensor of the file has.
    #[error("the name is taken by an earlier tensor of the file")]
    DuplicateName,
    /// A part of a tensor, or a buffer for it, that does not fit the tensor.
    #[error("{what}: {why}")]
    Request {
        /// What was asked for.
        what: &'static str,
        /// What was wrong with it.
        why: String,
    },
    /// A tensor that is coded against one of another checkpoint, which was not given.
    #[error("it is coded against tensor {name:?} of another checkpoint; give that as the base")]
    NeedsBase {
        /// Name of the tensor in the base.
        name: String,
    },
    /// A tensor name that the file does not hold.
    #[error("no tensor named {0:?} in the file")]
    NoSuchTensor(String),
    /// The file asks for more than the [`Limits`](crate::Limits) it is read within; if it is to be
    /// trusted, raise them.
    #[error("{0}")]
    Limit(LimitExceeded),
    /// An error inside one tensor.
    #[error("tensor {name:?}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was wrong.
        source: Box<Error>,
    },
    /// Reading or writing failed.
    #[error("{context}")]
    Io {
        /// What was being done.
        context: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn invalid(what: &'static str, why: impl Into<String>) -> Self {
        Error::Invalid {
            what,
            why: why.into(),
        }
    }

    pub(crate) fn request(what: &'static str, why: impl Into<String>) -> Self {
        Error::Request {
            what,
            why: why.into(),
        }
    }

    #[cfg(feature = "encode")]
    pub(crate) fn argument(what: &'static str, why: impl Into<String>) -> Self {
        Error::Argument {
            what,
            why: why.into(),
        }
    }

    /// Whether values or steps are out of the range of lossy coding: the tensor can be coded, but
    /// only losslessly (or at another step). Everything else is a fault of the file or the caller.
    pub fn is_out_of_range(&self) -> bool {
        match self {
            Error::NotFinite | Error::TooLarge { .. } | Error::StepOutOfRange { .. } => true,
            Error::Tensor { source, .. } => source.is_out_of_range(),
            _ => false,
        }
    }

    /// This error, said to have happened in tensor `name`.
    pub fn in_tensor(self, name: &str) -> Self {
        match self {
            Error::Tensor { .. } => self,
            other => Error::Tensor {
                name: name.to_owned(),
                source: Box::new(other),
            },
        }
    }
}
