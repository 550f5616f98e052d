//! Why files are not the parts of one checkpoint.

/// Why an HCT file is not a part beside the others; [`crate::Error::Part`] says which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartFault {
    /// There is no file to join.
    #[error("there are no parts; give the files to join")]
    None,
    /// The headers of its shards are not those of the first file.
    #[error(
        "it is a part of another checkpoint: the carried file {file:?} differs from that of {first:?}"
    )]
    OtherCheckpoint {
        /// The first carried file that differs, or is missing.
        file: String,
        /// The file that it was compared with.
        first: String,
    },
    /// It was made in another way.
    #[error(
        "it was not made as {first:?} was: {what} differs; make all parts with the same options"
    )]
    MadeOtherwise {
        /// What the two say differently.
        what: &'static str,
        /// The file that it was compared with.
        first: String,
    },
    /// A tensor is in another file, too.
    #[error("tensor {tensor:?} is in {other:?}, too; give every part once")]
    Twice {
        /// The tensor.
        tensor: String,
        /// The other file.
        other: String,
    },
    /// A tensor that is not as the header of its shard says, or that no header names.
    #[error("tensor {tensor:?} is not as the headers of the checkpoint say")]
    NotInCheckpoint {
        /// The tensor.
        tensor: String,
    },
    /// A tensor is in no file.
    #[error("{missing} tensors are in none of the parts, {tensor:?} among them; give all parts")]
    Missing {
        /// The first of them.
        tensor: String,
        /// How many.
        missing: usize,
    },
}
