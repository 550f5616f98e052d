//! HCT V3 codec.
mod dtype;
pub use dtype::Dtype;
