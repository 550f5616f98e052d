//! Floats put together of joint numbers, fives and lower halves, and taken apart: what they are is
//! in `lossless/joint`.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod parts;
mod portable;

#[cfg(feature = "encode")]
pub(crate) use parts::PartsMut;
pub(crate) use parts::{FIVE, Parts};

use crate::simd::{SimdLevel, level};

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
