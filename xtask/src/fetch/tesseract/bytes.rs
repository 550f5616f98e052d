//! Little-endian numbers out of a slice, one after the other.

use anyhow::{Context, Result};

/// What is left to read.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).context("the data end early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().context("the data end early")?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A length of 32 bits; `what` says of what.
    pub fn len(&mut self, what: &str) -> Result<usize> {
        let n = usize::try_from(self.u32()?).ok();
        n.with_context(|| format!("{what}: too large"))
    }

    /// A text behind its length.
    pub fn text(&mut self) -> Result<&'a str> {
        let n = self.len("a name")?;
        std::str::from_utf8(self.take(n)?).context("a name is no UTF-8")
    }

    /// `n` doubles.
    pub fn doubles(&mut self, n: usize) -> Result<Vec<f64>> {
        let bytes = self.take(n.checked_mul(8).context("a matrix is too large")?)?;
        let (values, _) = bytes.as_chunks();
        Ok(values.iter().map(|v| f64::from_le_bytes(*v)).collect())
    }
}
