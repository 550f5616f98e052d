//! What a calibration knows of a model's tensors: how large their inputs are, and how much an
//! error in their outputs matters.

mod moments;
mod statistics;
mod symmetric;

pub use moments::Moments;
pub use statistics::{Calibration, TensorStatistics};
pub use symmetric::SymmetricMatrix;
