//! Quantizers: how the values of a tile become symbols and back.

pub(crate) mod block;
pub(crate) mod half;
pub(crate) mod positions;
pub(crate) mod sparse;
pub(crate) mod trellis;
