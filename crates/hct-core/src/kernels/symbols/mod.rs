//! Symbols that share one table.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::entropy::freq::FreqTable;
use crate::entropy::rans::{PROB_SCALE, Words};
use crate::simd::{SimdLevel, level};

/// Decoding entries by slot: symbol in bits 0–7, bias in bits 8–19, frequency in bits 20–31, where
/// vectors have it by one shift.
type Entries = [u32; PROB_SCALE as usize];

/// How to decode.
pub(crate) struct Slots {
    entries: Box<Entries>,
    /// The symbol that has all slots, whose frequency does not fit into an entry.
    only: Option<u8>,
}

impl Slots {
    /// Those of a table.
    pub fn of(table: &FreqTable) -> Self {
        let mut slots = Slots {
            entries: Box::new([0; PROB_SCALE as usize]),
            only: None,
        };
        for (symbol, range) in table.ranges().enumerate() {
            let freq = range.len() as u32;
            if freq == PROB_SCALE {
                slots.only = Some(symbol as u8);
            }
            let entries = &mut slots.entries[range.start as usize..range.end as usize];
            for (bias, entry) in entries.iter_mut().enumerate() {
                *entry = symbol as u32 | (bias as u32) << 8 | freq << 20;
            }
        }
        slots
    }
}

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
