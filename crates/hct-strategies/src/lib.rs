//! Encode-time strategies: which HCT recipe for which tensor. A strategy looks at a tensor and
//! gives back a coded one; the decoder never learns of strategies.
//!
//! ```
//! use hct_core::{Dtype, TensorMeta};
//! use hct_strategies::{AdaptiveEncoder, Strategy, TensorView};
//!
//! let weights: Vec<u8> = (0..128 * 96).flat_map(|i| (i as f32 * 0.7).sin().to_le_bytes()).collect();
//! let meta = TensorMeta { name: "w".into(), dtype: Dtype::F32, shape: vec![128, 96] };
//! let coded = AdaptiveEncoder::new(0.99).encode(TensorView { meta: &meta, bytes: &weights, base: None })?;
//! assert!(coded.tensor.payload_bytes() < weights.len() / 8);
//! # Ok::<(), hct_core::Error>(())
//! ```

mod adaptive;
mod allocation;
mod calibrated;
mod calibration;
mod coding;
mod engine;
mod hybrid;
mod hybrid_layers;
mod importance;
mod importance_map;
mod lossless;
mod mixed;
mod mlp_only;
mod named;
mod names;
mod preset;
mod rdo;
mod route;
mod sparse;
mod spec;
mod strategy;
mod strategy_name;
mod svd;
mod target;
mod uniform;

pub use adaptive::AdaptiveEncoder;
pub use allocation::{Allocation, AllocationEntry, AllocationError, MAX_ALLOCATION};
pub use calibrated::CalibratedEncoder;
pub use calibration::{Calibration, Moments, SymmetricMatrix, TensorStatistics};
pub use engine::{Effort, Quality};
pub use hybrid::HybridEncoder;
pub use hybrid_layers::HybridLayersEncoder;
pub use importance::ImportanceEncoder;
pub use importance_map::{ImportanceMap, ImportanceMapError};
pub use lossless::LosslessEncoder;
pub use mixed::MixedPrecisionEncoder;
pub use mlp_only::MlpOnlyEncoder;
pub use named::UnknownName;
pub use names::{LayerStacks, Role, role};
pub use preset::{MAX_FRAGMENTS, Preset};
pub use rdo::RdoEncoder;
pub use route::{LosslessReason, lossless_reason};
pub use spec::{MAX_SPEC, Plan, RatePlan, SpecBuilder, SpecError, SpecOption, StrategySpec};
pub use strategy::{BaseView, Coded, Strategy, TensorView};
pub use strategy_name::StrategyName;
pub use svd::{SvdEncoder, SvdError, TruncatedSvd, randomized_svd};
pub use uniform::UniformEncoder;

/// The example of README.md, compiled and run.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
