//! Encode-time strategies: which HCT recipe for which tensor. A strategy looks at a tensor and
//! gives back a coded one; the decoder never learns of strategies.

mod lossless;
mod rdo;
mod roles;
mod route;
mod strategy;
mod svd;
mod uniform;

pub use lossless::LosslessEncoder;
pub use rdo::{Effort, Quality, RdoEncoder};
pub use route::{LosslessReason, lossless_reason};
pub use strategy::{Coded, Strategy, TensorView};
pub use svd::{TruncatedSvd, randomized_svd};
pub use uniform::UniformEncoder;
