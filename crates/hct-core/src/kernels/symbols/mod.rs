//! Symbols that share one table.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::entropy::freq::FreqTable;
use crate::entropy::rans::{PROB_SCALE, Words};
use crate::simd::{SimdLevel, level};

/// Decoding entries by slot ([`crate::entropy::freq::Slot`]).
pub(crate) type Slots = [u32; PROB_SCALE as usize];

/// Decodes one symbol a byte of `out`: symbol i in lane i mod `L`, whose rANS states are `lanes`.
/// Where the symbols go on in another call, their number must be a multiple of `L`.
pub(crate) fn decode<const L: usize>(
    slots: &Slots,
    lanes: &mut [u32; L],
    words: &mut Words<'_>,
    out: &mut [u8],
) {
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

/// The decoding entries of a table.
pub(crate) fn slots(table: &FreqTable) -> Box<Slots> {
    Box::new(table.slots())
}
