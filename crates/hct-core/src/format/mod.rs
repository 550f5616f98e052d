//! The HCT V3 container: header, payload, index, trailer. docs/FORMAT.md is the specification.

mod accounting;
mod bands;
mod base;
mod base_hint;
mod chunk;
mod content_hash;
#[cfg(feature = "encode")]
mod copy;
mod cost;
#[cfg(feature = "encode")]
mod encoded_tensor;
mod index;
mod limits;
mod lossless_recipe;
mod output;
mod part;
mod piece;
mod provenance;
mod reader;
mod record;
mod recovery;
mod since;
mod source;
mod trailer;
mod version;
#[cfg(feature = "encode")]
mod writer;

pub use bands::BAND_BYTES;
pub use base::{BaseSource, BaseTensor, DeltaRecipe};
pub use base_hint::MAX_BASE_HINT;
pub use content_hash::ContentHash;
#[cfg(feature = "encode")]
pub use encoded_tensor::{EncodedFragment, EncodedTensor, TensorMeta};
pub use index::{FileEntry, FileKind, Index};
pub use limits::{LimitExceeded, Limited, Limits};
pub use lossless_recipe::LosslessRecipe;
pub use part::TensorPart;
pub use provenance::MAX_PROVENANCE;
pub use reader::HctReader;
pub use record::{Fragment, PlaneRecord, Recipe, TensorRecord};
pub use recovery::{BlockFault, MissingEntries, RecoveredIndex};
pub use source::ReadAt;
pub use version::FORMAT_VERSION;
#[cfg(feature = "encode")]
pub use writer::HctWriter;
