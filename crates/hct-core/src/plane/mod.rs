//! Planes: matrices of values coded tile by tile under one recipe. Here is what they have in common
//! whatever their quantizer.

#[cfg(feature = "encode")]
mod encoded;
pub(crate) mod means;
#[cfg(feature = "encode")]
mod preparation;
#[cfg(feature = "encode")]
mod tiles;

#[cfg(feature = "encode")]
pub use encoded::EncodedPlane;
#[cfg(feature = "encode")]
pub use preparation::{DEFAULT_TILE, Preparation};
#[cfg(feature = "encode")]
pub(crate) use tiles::Tiles;
