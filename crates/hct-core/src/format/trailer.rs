//! The fixed-size ends of a file.

use super::version::{FORMAT_VERSION, check_minor};
use crate::wire::Reader;
use crate::{Error, Result};

/// A high bit against 7-bit channels, line ends against text mode, as in PNG.
const MAGIC: [u8; 8] = *b"\x89HCT\r\n\x1a\n";
const END_MAGIC: [u8; 8] = *b"HCT3END\n";

/// Bytes of the header: magic, major, minor of the framing, reserved.
pub(crate) const HEADER_LEN: usize = 16;
/// Bytes of the trailer: index offset, index length, index CRC, minor, reserved, magic.
pub(crate) const TRAILER_LEN: usize = 32;

#[cfg(feature = "encode")]
pub(crate) fn header() -> [u8; HEADER_LEN] {
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(&MAGIC);
    out[8..10].copy_from_slice(&FORMAT_VERSION.0.to_le_bytes());
    out
}

/// Checks a header, which a decoder of 3.`own` is to read. Its minor version is that of the
/// framing, all it takes to get to the trailer, where the file's own is.
pub(crate) fn check_header(bytes: &[u8], own: u16) -> Result<()> {
    let mut r = Reader::new(bytes, "file header");
    if r.bytes(8).ok() != Some(&MAGIC[..]) {
        return Err(Error::NotHct("it does not begin with the HCT magic"));
    }
    let (major, minor) = (r.u16()?, r.u16()?);
    if major != FORMAT_VERSION.0 {
        return Err(Error::Version {
            major,
            minor,
            newest: (FORMAT_VERSION.0, own),
        });
    }
    // No version has changed the framing yet.
    if minor != 0 {
        check_minor(minor, own)?;
        return Err(Error::Reserved {
            field: "minor version of the framing",
            value: minor.into(),
        });
    }
    match r.u32()? {
        0 => Ok(()),
        value => Err(Error::Reserved {
            field: "header flags",
            value: value.into(),
        }),
    }
}

/// Where the index is and what it hashes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailer {
    pub index_offset: u64,
    pub index_len: u64,
    pub index_crc: u32,
    /// Minor version of the file.
    pub minor: u16,
}

impl Trailer {
    #[cfg(feature = "encode")]
    pub fn write(&self) -> [u8; TRAILER_LEN] {
        let mut out = [0; TRAILER_LEN];
        out[..8].copy_from_slice(&self.index_offset.to_le_bytes());
        out[8..16].copy_from_slice(&self.index_len.to_le_bytes());
        out[16..20].copy_from_slice(&self.index_crc.to_le_bytes());
        out[20..22].copy_from_slice(&self.minor.to_le_bytes());
        out[24..].copy_from_slice(&END_MAGIC);
        out
    }

    /// Reads the trailer of a file of `file_len` bytes, for a decoder of 3.`own`; the index must
    /// end where it begins.
    pub fn read(bytes: &[u8], file_len: u64, own: u16) -> Result<Self> {
        let mut r = Reader::new(bytes, "file trailer");
        let trailer = Trailer {
            index_offset: r.u64()?,
            index_len: r.u64()?,
            index_crc: r.u32()?,
            minor: r.u16()?,
        };
        let reserved = r.u16()?;
        if r.bytes(8)? != END_MAGIC {
            return Err(Error::NotHct(
                "it does not end with the HCT trailer; it may be cut short",
            ));
        }
        check_minor(trailer.minor, own)?;
        if reserved != 0 {
            return Err(Error::Reserved {
                field: "trailer flags",
                value: reserved.into(),
            });
        }
        let end = trailer.index_offset.checked_add(trailer.index_len);
        if trailer.index_offset < HEADER_LEN as u64
            || end != file_len.checked_sub(TRAILER_LEN as u64)
        {
            return Err(Error::invalid("index position", "does not fit the file"));
        }
        Ok(trailer)
    }
}
