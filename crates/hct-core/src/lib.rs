//! HCT V3 codec.
#![allow(dead_code, unused_imports)]
mod dtype;
mod entropy;
mod error;
mod floats;
mod lossless;
mod matrix;
mod parallel;
mod plane;
mod position;
mod quant;
mod recipe;
mod scale_model;
mod simd;
mod transform;
mod wire;
pub use dtype::Dtype;
pub use error::{Error, Result};
pub use transform::Transform;
#[cfg(test)]
mod experiment;
pub use matrix::{MatrixView, fold};
pub use plane::{DEFAULT_TILE, EncodedPlane, Estimate, Preparation, SparseFormat, TrellisAnalysis, TrellisSettings, encode_sparse};
pub use quant::block::BlockBits;
pub use recipe::{MAX_TILE, PlaneRecipe, Quantizer};
