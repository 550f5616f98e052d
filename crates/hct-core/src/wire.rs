//! Reading and writing the primitive fields of the format: little-endian integers, LEB128
//! varints, length-prefixed strings. Every read is bounds-checked.

use crate::{Error, Result};

/// A cursor over bytes that nobody vouches for.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which errors call `what`.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Reader { bytes, what }
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        match self.bytes.split_at_checked(n) {
            Some((head, tail)) => {
                self.bytes = tail;
                Ok(head)
            }
            None => Err(Error::Truncated {
                what: self.what,
                needed: n as u64,
                available: self.bytes.len() as u64,
            }),
        }
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N)?);
        Ok(out)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_bits(self.u32()?))
    }

    /// A LEB128 varint; over-long encodings are refused so that every value has one spelling.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    break;
                }
                return Ok(value);
            }
        }
        Err(Error::invalid(self.what, "a varint is over-long"))
    }

    /// A varint that must lie below `limit`.
    pub fn varint_below(&mut self, limit: u64, field: &'static str) -> Result<u64> {
        let value = self.varint()?;
        if value < limit {
            Ok(value)
        } else {
            Err(Error::invalid(
                field,
                format!("{value} is not below {limit}"),
            ))
        }
    }

    /// A count of things that take at least `min_bytes` each, so that a lie cannot make the
    /// reader allocate more than the bytes at hand could describe.
    pub fn count(&mut self, min_bytes: usize, field: &'static str) -> Result<usize> {
        let limit = (self.remaining() / min_bytes.max(1)) as u64 + 1;
        Ok(self.varint_below(limit, field)? as usize)
    }

    /// A varint length and that many bytes.
    pub fn blob(&mut self) -> Result<&'a [u8]> {
        let n = self.varint()?;
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        self.bytes(n)
    }

    pub fn string(&mut self, field: &'static str) -> Result<String> {
        match std::str::from_utf8(self.blob()?) {
            Ok(s) => Ok(s.to_owned()),
            Err(_) => Err(Error::invalid(field, "not UTF-8")),
        }
    }

    /// Errs unless everything was read.
    pub fn finish(&self) -> Result<()> {
        match self.bytes.len() {
            0 => Ok(()),
            n => Err(Error::invalid(
                self.what,
                format!("{n} bytes left over at its end"),
            )),
        }
    }
}

/// Bytes of the longest varint.
#[cfg(feature = "encode")]
pub(crate) const MAX_VARINT: usize = 10;

/// Appends `value` as a LEB128 varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint length and the bytes.
pub(crate) fn put_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(feature = "encode")]
/// Maps signed to unsigned with small magnitudes first: 0, −1, 1, −2, …
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// From unsigned to signed, small magnitudes first: 0, −1, 1, −2, …
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_have_one_spelling() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut r = Reader::new(&out, "test");
            assert_eq!(r.varint().unwrap(), value);
            r.finish().unwrap();
        }
        assert!(Reader::new(&[0x80, 0x00], "test").varint().is_err());
        assert!(Reader::new(&[0xff; 10], "test").varint().is_err());
        assert!(Reader::new(&[0x80], "test").varint().is_err());
    }

    #[cfg(feature = "encode")]
    #[test]
    fn zigzag_inverts() {
        for v in [0, 1, -1, 77, -78, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(v)), v);
        }
    }
}
