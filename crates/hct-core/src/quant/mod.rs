//! Quantizers.
pub(crate) mod trellis;
