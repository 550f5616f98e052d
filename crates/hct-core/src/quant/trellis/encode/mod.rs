//! Encoding planes with the trellis quantizer.

mod analysis;
mod distortion;
mod feedback;
mod first_guess;
#[cfg(test)]
mod levels;
mod places;
mod plane;
mod rate;
mod sample;
mod scales;
mod search;
mod settings;
mod statistics;
mod syntax;
mod tally;
mod tile;
mod tiles;
mod training;

pub use analysis::TrellisAnalysis;
pub use feedback::{ErrorFeedback, FeedbackAnalysis, FeedbackPlane, FeedbackTraining};
pub use settings::{Gains, TrellisSettings};
pub use training::{Estimate, Training};
