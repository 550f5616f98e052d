//! Lossless coding of a tensor against a base of the same type and shape.
//!
//! A fine-tune moves every weight a little: sign, exponent and leading mantissa bits stay, and
//! how many bits change follows from how far the row moved and from the exponent of the base,
//! since a step of one size is more units in the last place the smaller the weight. So the
//! difference of the bit patterns, taken as ordered integers, is split into a token (its sign,
//! bit length and two leading bits) and raw bits, and the token is entropy-coded in the context
//! of the expected length: log-scale of the row less exponent of the base.
//!
//! Three things are known better than by a scale:
//! - *Drift*: rows that no gradient reached still decay. A decay below one unit in the last place
//!   a step rounds to whole units, so that after many steps the difference is a function of the
//!   base's mantissa alone. A table holds it, and a flag per row says where it applies.
//! - *Zeros*: a pruned weight is a symbol of its own.
//! - *Nothing at all*: an unchanged weight is the token of length 0.
//!
//! Differences of exponents and mantissas are what FM-Delta (Ning et al. 2024) codes, exclusive
//! or what ZipLLM's BitX (Wang et al. 2025) does; the latter is kept for bit fields that are no
//! numbers.

mod bits;
mod decode;
#[cfg(feature = "encode")]
mod drift;
mod element;
#[cfg(feature = "encode")]
mod encode;
mod header;
mod rows;
#[cfg(all(test, feature = "encode"))]
mod tests;
mod token;

pub(crate) use decode::{DeltaDecoder, sections};
pub(crate) use element::Layout;
#[cfg(feature = "encode")]
pub(crate) use encode::{EncodedDelta, encode};
