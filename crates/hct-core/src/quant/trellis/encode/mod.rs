//! Encoding planes with the trellis quantizer.

pub(crate) mod analysis;
pub(crate) mod tile;
pub(crate) mod viterbi;

pub use analysis::{Estimate, Training, TrellisAnalysis, TrellisSettings};
