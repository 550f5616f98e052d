//! The `pco` crate: tANS over learned bins of integers.

use anyhow::Result;
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use super::{Coded, Coder, Symbols};

/// pcodec at its default level.
pub struct Pco;

impl Coder for Pco {
    fn name(&self) -> &'static str {
        "pco 0.4, level 8, on i32"
    }

    fn encode(&self, symbols: &Symbols) -> Result<Coded> {
        let bytes = simple_compress(&symbols.values, &ChunkConfig::default())?;
        Ok(Coded::all(bytes))
    }

    fn decode(&self, coded: &Coded, _like: &Symbols) -> Result<Vec<i32>> {
        Ok(simple_decompress(&coded.bytes)?)
    }
}
