//! What floats are taken apart to.

/// Bits of a five: four of the mantissa above the sign.
pub(crate) const FIVE: usize = 5;

/// The parts of some floats.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// The joint number of symbol 1, less 1.
    pub before: u16,
    /// Joint numbers less `before`, modulo 256.
    pub symbols: &'a [u8],
    /// Packed, the first in the lowest bits.
    pub fives: &'a [u8],
    /// The lower half of each float of 32 bits; nothing of those of 16.
    pub lower: &'a [u8],
}

impl Parts<'_> {
    /// All but the first `n` floats, a multiple of 8.
    pub(super) fn after(&self, n: usize, width: usize) -> Self {
        Parts {
            before: self.before,
            symbols: &self.symbols[n..],
            fives: &self.fives[n / 8 * FIVE..],
            lower: &self.lower[(width - 2) * n..],
        }
    }
}

/// Room for the parts of some floats of 16 or of 32 bits, which have their lower halves besides.
#[cfg(feature = "encode")]
pub(crate) struct PartsMut<'a> {
    /// As in [`Parts`].
    pub before: u16,
    /// 0 where a joint number is not within the 255 after `before`.
    pub symbols: &'a mut [u8],
    pub fives: &'a mut [u8],
    pub lower: &'a mut [u8],
}
