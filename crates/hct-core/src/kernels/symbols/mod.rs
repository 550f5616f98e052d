//! Symbols that share one table.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;
mod slots;

pub(crate) use slots::Slots;

use crate::entropy::rans::Words;
use crate::simd::{SimdLevel, level};

/// Decodes one symbol a byte of `out`: symbol i in lane i mod `L`, whose rANS states are `lanes`.
/// Where the symbols go on in another call, their number must be a multiple of `L`.
pub(crate) fn decode<const L: usize>(
    slots: &Slots,
    lanes: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [u8],
) {
    if let Some(symbol) = slots.only {
        // No step changes a state.
        return out.fill(symbol);
    }
    let slots = &slots.entries;
    let done = match level() {
        SimdLevel::Portable => 0,
        // SAFETY: `level` returns only levels all of whose features were detected.
        #[cfg(target_arch = "x86_64")]
        _ => unsafe { avx2::steps(slots, lanes, words, out) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => 0,
    };
    portable::run(slots, lanes, words, &mut out[done..]);
}
