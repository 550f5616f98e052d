//! Little-endian fields, taken one after the other off the beginning of an untrusted file.

use super::error::GgufError;

/// The beginning of a file, and how far it has been read.
pub(super) struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes of the whole file.
    file_len: u64,
    /// What is being read, for messages.
    pub what: String,
}

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8], file_len: u64) -> Self {
        Bytes {
            bytes,
            at: 0,
            file_len,
            what: "the header".into(),
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.at as u64
    }

    /// Errs unless `count` things of `size` bytes may follow.
    pub fn expect(&self, count: u64, size: u64) -> Result<(), GgufError> {
        let end = count.saturating_mul(size).saturating_add(self.position());
        match end <= self.file_len {
            true => Ok(()),
            false => Err(self.cut_short(end)),
        }
    }

    fn cut_short(&self, end: u64) -> GgufError {
        GgufError::CutShort {
            what: self.what.clone(),
            end,
            len: self.file_len,
        }
    }

    pub fn take(&mut self, len: u64) -> Result<&'a [u8], GgufError> {
        let end = self.position().saturating_add(len);
        let taken = usize::try_from(end)
            .ok()
            .and_then(|end| self.bytes.get(self.at..end));
        let Some(taken) = taken else {
            return Err(self.cut_short(end));
        };
        self.at += taken.len();
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let taken = self.take(N as u64)?;
        let mut out = [0; N];
        out.copy_from_slice(taken);
        Ok(out)
    }

    pub fn u32(&mut self) -> Result<u32, GgufError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, GgufError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The bytes of a string.
    pub fn string(&mut self) -> Result<&'a [u8], GgufError> {
        let len = self.u64()?;
        self.take(len)
    }

    /// A string that is text, for names.
    pub fn text(&mut self) -> Result<String, GgufError> {
        let bytes = self.string()?;
        match str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(GgufError::NotUtf8 {
                what: self.what.clone(),
            }),
        }
    }
}
