//! HCT files in object stores and on web servers, read by ranges.

mod error;
mod ranges;
mod source;
mod store;

pub(super) use source::RemoteSource;
