//! The inner loops of decoding and encoding, each in a portable version and one of vector intrinsics.
//!
//! A kernel knows nothing of syntax: it takes plain tables, lanes and words, and fills an output.
//! The portable version is the reference; the others run its steps on vectors of lanes and leave to
//! it what does not fill a vector. All that is `unsafe` in them is in this folder.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(feature = "encode")]
pub(crate) mod encode;
pub(crate) mod f16;
pub(crate) mod fresh;
pub(crate) mod joint;
mod pages;
pub(crate) mod symbols;
pub(crate) mod trellis;
#[cfg(feature = "encode")]
pub(crate) mod truncate;
#[cfg(feature = "encode")]
pub(crate) mod viterbi;
