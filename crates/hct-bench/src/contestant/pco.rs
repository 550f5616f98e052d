//! The `pco` crate: tANS over learned bins of integers.

use anyhow::Result;
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};

use super::coded_symbols::CodedSymbols;
use super::{Contestant, Label};
use crate::symbols::Symbols;

/// pcodec at its default level.
pub struct Pco;

impl Contestant<Symbols> for Pco {
    fn label(&self) -> Label {
        Label::of("pco 0.4, level 8, on i32")
    }

    fn encode(&self, symbols: &Symbols) -> Result<CodedSymbols> {
        let bytes = simple_compress(&symbols.values, &ChunkConfig::default())?;
        Ok(CodedSymbols::all(bytes))
    }

    fn decode(&self, coded: &CodedSymbols, _like: &Symbols) -> Result<Vec<i32>> {
        Ok(simple_decompress(&coded.bytes)?)
    }
}
