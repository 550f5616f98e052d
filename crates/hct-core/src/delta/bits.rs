//! Runs of raw bits, least significant first.

use crate::{Error, Result};

/// Packs bits.
#[cfg(feature = "encode")]
#[derive(Default)]
pub(crate) struct BitWriter {
    out: Vec<u8>,
    held: u64,
    count: u32,
}

#[cfg(feature = "encode")]
impl BitWriter {
    /// Appends the low `n` ≤ 32 bits of `value`.
    #[inline(always)]
    pub fn put(&mut self, value: u32, n: u32) {
        self.held |= (u64::from(value) & ((1 << n) - 1)) << self.count;
        self.count += n;
        if self.count >= 32 {
            self.out
                .extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// The bits, the last byte filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        let rest = self.count.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.held.to_le_bytes()[..rest]);
        self.out
    }
}

/// Unpacks bits; past the end come zeros, which [`BitReader::finish`] finds out.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    held: u64,
    count: u32,
    /// Bits read past the end.
    missing: u64,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        BitReader {
            bytes,
            held: 0,
            count: 0,
            missing: 0,
        }
    }

    /// The next `n` ≤ 32 bits.
    #[inline(always)]
    pub fn take(&mut self, n: u32) -> u32 {
        if self.count < n {
            self.refill(n);
        }
        let value = self.held & ((1 << n) - 1);
        self.held >>= n;
        self.count -= n;
        value as u32
    }

    fn refill(&mut self, n: u32) {
        match self.bytes.split_first_chunk::<4>() {
            Some((word, rest)) => {
                self.held |= u64::from(u32::from_le_bytes(*word)) << self.count;
                self.count += 32;
                self.bytes = rest;
            }
            None => {
                while self.count < n {
                    let byte = match self.bytes.split_first() {
                        Some((&b, rest)) => {
                            self.bytes = rest;
                            b
                        }
                        None => {
                            self.missing += 8;
                            0
                        }
                    };
                    self.held |= u64::from(byte) << self.count;
                    self.count += 8;
                }
            }
        }
    }

    /// Errs unless every byte was read and what fills the last one up is zero.
    pub fn finish(self, what: &'static str) -> Result<()> {
        if self.missing > 0 {
            return Err(Error::invalid(what, "the raw bits end too early"));
        }
        if !self.bytes.is_empty() || self.count >= 8 || self.held != 0 {
            return Err(Error::invalid(what, "raw bits left over"));
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_come_back() {
        for extra in 0..70 {
            let runs: Vec<(u32, u32)> = (0..extra)
                .map(|i: u32| (i.wrapping_mul(2_654_435_761), i * 7 % 33))
                .collect();
            let mut writer = BitWriter::default();
            runs.iter().for_each(|&(v, n)| writer.put(v, n));
            let bytes = writer.finish();
            let mut reader = BitReader::new(&bytes);
            for &(v, n) in &runs {
                assert_eq!(u64::from(reader.take(n)), u64::from(v) & ((1 << n) - 1));
            }
            reader.finish("test").unwrap();
            if let [.., _last] = &bytes[..] {
                let mut short = BitReader::new(&bytes[..bytes.len() - 1]);
                runs.iter().for_each(|&(_, n)| _ = short.take(n));
                assert!(short.finish("test").is_err());
                let long = [&bytes[..], &[0]].concat();
                let mut long = BitReader::new(&long);
                runs.iter().for_each(|&(_, n)| _ = long.take(n));
                assert!(long.finish("test").is_err());
            }
        }
    }
}
