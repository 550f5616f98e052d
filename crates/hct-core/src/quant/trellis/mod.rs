//! Trellis-coded (dependent) quantization with entropy coding.
//!
//! Two quantizers share a step δ: Q0 reproduces even multiples, Q1 odd multiples and zero. The
//! quantizer of a sample is decided by a state that the parities of the earlier indices drive,
//! so that the reachable reproduction points form a sphere-packing-like lattice; the encoder
//! searches the trellis of states for the least D + λR (Viterbi). Sources: Marcellin and
//! Fischer 1990; Fischer and Wang 1992 (ECTCQ); Schwarz et al., DCC 2019 (dependent
//! quantization in VVC). The state machines are Ungerboeck's (1982) one-dimensional codes.

mod classes;
mod columns;
mod contexts;
pub(crate) mod decode;
#[cfg(feature = "encode")]
pub(crate) mod encode;
mod gains;
mod header;
mod log_scales;
mod parameters;
mod tile;

pub(crate) use header::{PlaneHeader, sections as header_sections};
pub(crate) use parameters::{read as read_parameters, write as write_parameters};
pub(crate) use tile::sections as tile_sections;
