//! Sending models and matrices through contestants and back, and measuring everything.

mod embedding_rows;
mod matrices;
mod model;
mod row;
mod single;
mod sums;

pub use matrices::{Comparison, TensorRow, agreement};
pub use model::measure;
pub use row::Row;
#[cfg(test)]
pub use row::Speed;
pub use single::code;
pub use sums::{between, compared};
