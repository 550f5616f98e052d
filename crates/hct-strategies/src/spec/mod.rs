//! A strategy and its options as a value: the one description that command lines, files and
//! bindings share.

mod build;
mod error;
mod json;
mod options;
mod ranges;
mod settings;

pub use build::{Plan, RatePlan};
pub use error::SpecError;
pub use json::MAX_SPEC;
pub use options::SpecOption;
pub use settings::{SpecBuilder, StrategySpec};
