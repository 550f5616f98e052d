//! Encode-time strategies: which HCT recipe for which tensor. A strategy looks at a tensor and
//! gives back a coded one; the decoder never learns of strategies.

mod importance_map;
mod lossless;
mod names;
mod rdo;
mod route;
mod strategy;
mod uniform;

pub use importance_map::{ImportanceMap, ImportanceMapError};
pub use lossless::LosslessEncoder;
pub use names::{LayerStacks, Role, role};
pub use rdo::{Effort, Quality, RdoEncoder};
pub use route::{LosslessReason, lossless_reason};
pub use strategy::{Coded, Strategy, TensorView};
pub use uniform::UniformEncoder;
