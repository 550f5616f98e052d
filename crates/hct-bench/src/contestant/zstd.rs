//! zstd, on symbols as bytes.

use anyhow::{Context, Result};

use super::coded_symbols::CodedSymbols;
use super::{Contestant, Label};
use crate::symbols::Symbols;

/// zstd at a level.
pub struct Zstd(pub i32);

impl Contestant<Symbols> for Zstd {
    fn label(&self) -> Label {
        Label::of(&format!("zstd, level {}, on i8", self.0))
    }

    fn encode(&self, symbols: &Symbols) -> Result<CodedSymbols> {
        let bytes: Vec<u8> = symbols.values.iter().map(|&v| v as i8 as u8).collect();
        let bytes = zstd::bulk::compress(&bytes, self.0).context("zstd")?;
        Ok(CodedSymbols::all(bytes))
    }

    fn decode(&self, coded: &CodedSymbols, like: &Symbols) -> Result<Vec<i32>> {
        let bytes = zstd::bulk::decompress(&coded.bytes, like.values.len()).context("zstd")?;
        Ok(bytes.into_iter().map(|b| i32::from(b as i8)).collect())
    }
}
