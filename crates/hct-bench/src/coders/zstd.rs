//! zstd, on symbols as bytes.

use anyhow::{Context, Result};

use super::{Coded, Coder, Symbols};

/// zstd at a level.
pub struct Zstd(pub i32);

impl Coder for Zstd {
    fn name(&self) -> &'static str {
        match self.0 {
            3 => "zstd, level 3, on i8",
            _ => "zstd, level 19, on i8",
        }
    }

    fn encode(&self, symbols: &Symbols) -> Result<Coded> {
        let bytes: Vec<u8> = symbols.values.iter().map(|&v| v as i8 as u8).collect();
        let bytes = zstd::bulk::compress(&bytes, self.0).context("zstd")?;
        Ok(Coded::all(bytes))
    }

    fn decode(&self, coded: &Coded, like: &Symbols) -> Result<Vec<i32>> {
        let bytes = zstd::bulk::decompress(&coded.bytes, like.values.len()).context("zstd")?;
        Ok(bytes.into_iter().map(|b| i32::from(b as i8)).collect())
    }
}
