//! Recovery blocks: the entries of the index once more, beside the payload that they are of. A file that has
//! lost its index can be rebuilt from them; nobody else needs them.

mod block;
mod check;
mod group;
mod rebuilt;
mod scan;
#[cfg(feature = "encode")]
mod writing;

pub use check::BlockFault;
pub use rebuilt::{MissingEntries, RecoveredIndex};
#[cfg(feature = "encode")]
pub(super) use writing::Recovery;
