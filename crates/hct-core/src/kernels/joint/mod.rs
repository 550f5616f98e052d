//! Floats put together of joint numbers, fives and lower halves, and taken apart: what they are is
//! in `lossless/joint`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::simd::{SimdLevel, level};

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
    fn after(&self, n: usize, width: usize) -> Self {
        Parts {
            before: self.before,
            symbols: &self.symbols[n..],
            fives: &self.fives[n / 8 * FIVE..],
            lower: &self.lower[(width - 2) * n..],
        }
    }
}

/// Puts floats of 16 bits together. Returns the lowest symbol.
pub(crate) fn brains(parts: &Parts<'_>, out: &mut [u8]) -> u8 {
    let (done, lowest) = match level() {
        SimdLevel::Portable => (0, u8::MAX),
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::brains(parts, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => (0, u8::MAX),
    };
    lowest.min(portable::brains(
        &parts.after(done, 2),
        &mut out[2 * done..],
    ))
}

/// The same with floats of 32 bits.
pub(crate) fn singles(parts: &Parts<'_>, out: &mut [u8]) -> u8 {
    let (done, lowest) = match level() {
        SimdLevel::Portable => (0, u8::MAX),
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::singles(parts, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => (0, u8::MAX),
    };
    lowest.min(portable::singles(
        &parts.after(done, 4),
        &mut out[4 * done..],
    ))
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

/// Takes floats apart. How wide they are follows from the number of symbols.
#[cfg(feature = "encode")]
pub(crate) fn take_apart(floats: &[u8], parts: &mut PartsMut<'_>) {
    let n = parts.symbols.len();
    let width = floats.len() / n.max(1);
    let done = match level() {
        SimdLevel::Portable => 0,
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        _ if width == 2 => unsafe { avx2::apart::brains(floats, parts) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::apart::singles(floats, parts) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => 0,
    };
    let mut rest = PartsMut {
        before: parts.before,
        symbols: &mut parts.symbols[done..],
        fives: &mut parts.fives[done / 8 * FIVE..],
        lower: &mut parts.lower[(width.max(2) - 2) * done..],
    };
    portable::take_apart(&floats[width * done..], width, &mut rest);
}
