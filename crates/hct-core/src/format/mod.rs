//! The HCT V3 container: header, payload, index, trailer. docs/FORMAT.md is the specification.

mod accounting;
mod index;
mod part;
mod provenance;
mod reader;
mod record;
mod source;
mod trailer;
mod writer;

pub use index::{FileEntry, FileKind, Index};
pub use part::TensorPart;
pub use provenance::MAX_PROVENANCE;
pub use reader::HctReader;
pub use record::{Layer, LosslessRecipe, PlaneRecord, Recipe, TensorRecord};
pub use source::ReadAt;
pub use trailer::FORMAT_VERSION;
pub use writer::{EncodedLayer, EncodedTensor, HctWriter, TensorMeta};
