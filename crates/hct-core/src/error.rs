//! What can be wrong with a file or a request.

use std::io;

/// Result of this crate's fallible operations.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the codec or the container. Every variant says what was wrong; [`Error::Tensor`]
/// adds which tensor it was wrong in.
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
    #[error("HCT version {major}.{minor} is not supported (this decoder reads 3.0); update hct")]
    Version {
        /// Major version in the file.
        major: u16,
        /// Minor version in the file.
        minor: u16,
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
    /// The input cannot be coded as asked.
    #[error("cannot encode: {0}")]
    Encode(String),
    /// A part of a tensor, or a buffer for it, that does not fit the tensor.
    #[error("{what}: {why}")]
    Request {
        /// What was asked for.
        what: &'static str,
        /// What was wrong with it.
        why: String,
    },
    /// A tensor name that the file does not hold.
    #[error("no tensor named {0:?} in the file")]
    NoSuchTensor(String),
    /// An error inside one tensor.
    #[error("tensor {name:?}: {source}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was wrong.
        source: Box<Error>,
    },
    /// Reading or writing failed.
    #[error("{context}: {source}")]
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
