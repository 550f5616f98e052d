//! Entropy coding: interleaved static rANS for bulk symbols, an adaptive binary range coder for
//! side information, and the frequency tables both ends share.

pub(crate) mod binary;
pub(crate) mod freq;
pub(crate) mod rans;
pub(crate) mod symbols;
