//! Which coefficients of a tile are kept, and how their positions are coded.

mod mask;
mod retain;

pub(crate) use mask::{decode, encode, skip};
pub(crate) use retain::keep_largest;
