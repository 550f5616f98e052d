//! Encode-time strategies: which HCT recipe for which tensor. A strategy looks at a tensor and
//! gives back a coded one; the decoder never learns of strategies.

mod engine;
mod lossless;
mod rdo;
mod roles;
mod route;
mod strategy;
mod uniform;

pub use lossless::LosslessEncoder;
pub use engine::{Effort, Quality};
pub use rdo::RdoEncoder;
pub use route::{LosslessReason, lossless_reason};
pub use strategy::{Coded, Strategy, TensorView};
pub use uniform::UniformEncoder;
