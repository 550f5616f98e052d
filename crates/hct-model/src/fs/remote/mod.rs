//! HCT files in object stores and on web servers: read by ranges, uploaded in parts.

mod error;
mod exact;
mod ranges;
mod runtime;
mod source;
mod store;
mod upload;

pub(super) use source::RemoteSource;
pub use upload::Upload;
