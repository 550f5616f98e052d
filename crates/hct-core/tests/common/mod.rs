//! Shared by the integration tests: deterministic tensors of many kinds, and short ways to code
//! them. hct-strategies includes this folder by path.

#![allow(
    dead_code,
    unused_imports,
    reason = "every test binary uses its own part"
)]

mod coding;
mod generate;

pub use coding::{
    bytes_of, column_order, file_of, fine_gains, floats_of, meta, preparation, squared_error,
    trellis, with_gains,
};
pub use generate::{Kind, Rng};
