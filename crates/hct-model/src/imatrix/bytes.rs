//! Little-endian numbers and texts, taken one after the other off untrusted bytes.

/// What is left of the bytes.
pub(super) struct Bytes<'a>(pub &'a [u8]);

/// What went wrong when they ended.
const CUT_SHORT: &str = "it is cut short";

impl<'a> Bytes<'a> {
    pub fn take(&mut self, len: u64) -> Result<&'a [u8], &'static str> {
        let len = usize::try_from(len).map_err(|_| CUT_SHORT)?;
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_le_bytes)
    }

    /// A length or number that is stored as a signed one, but cannot be negative.
    pub fn count(&mut self) -> Result<u32, &'static str> {
        let count = self.u32()?;
        match count > i32::MAX as u32 {
            true => Err("a length in it is negative"),
            false => Ok(count),
        }
    }

    pub fn floats(&mut self, count: u64) -> Result<Vec<f32>, &'static str> {
        let bytes = self.take(count.checked_mul(4).ok_or(CUT_SHORT)?)?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|&b| f32::from_le_bytes(b))
            .collect())
    }

    pub fn text(&mut self, len: u64) -> Result<&'a str, &'static str> {
        str::from_utf8(self.take(len)?).map_err(|_| "a name in it is not UTF-8")
    }
}
