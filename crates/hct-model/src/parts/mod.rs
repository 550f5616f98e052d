//! A checkpoint in parts: each coded by a machine of its own into an HCT file with some of the
//! tensors, and joined without being decoded. Which tensors are in which part follows from names and
//! sizes alone, so that machines need not talk to each other.

mod checkpoint_part;
pub(crate) mod fault;
mod measured;
pub(crate) mod merge;
pub(crate) mod part;
mod split;

pub use checkpoint_part::CheckpointPart;
pub use fault::PartFault;
pub use measured::{Decided, MeasuredFault, MeasuredPart, MeasuredTensor, Measuring, decide};
pub use merge::{made_by_parts, merge};
pub use part::{Part, PartError};
pub use split::{split, split_by_size};
