//! Comparing what is decoded with what was coded.

mod plane;
mod rows;
pub(crate) mod tiles;

pub use plane::compare_values;
pub use rows::RowComparison;
pub use tiles::PlaneComparison;
