//! Encoding planes with the trellis quantizer.

pub(crate) mod analysis;
mod tile;
pub(crate) mod viterbi;

pub use analysis::{Estimate, Training, TrellisAnalysis, TrellisSettings};
