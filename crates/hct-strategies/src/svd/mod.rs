//! Low-rank approximation of a matrix.

mod orthonormal;
mod random;
mod randomized;

pub use randomized::{TruncatedSvd, randomized_svd};
