//! HCT V3 codec.
#![allow(dead_code, unused_imports)]
mod dtype;
mod entropy;
mod error;
mod lossless;
mod position;
mod quant;
mod scale_model;
mod simd;
mod transform;
mod wire;
pub use dtype::Dtype;
pub use error::{Error, Result};
pub use transform::Transform;
#[cfg(test)]
mod experiment;
