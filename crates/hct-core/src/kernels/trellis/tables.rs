//! What the kernels of a trellis work on.

use super::machine::Machine;
use crate::entropy::freq::FreqTable;
use crate::entropy::rans::{LOW, PROB_SCALE};

/// Room for the symbols of one context.
pub(crate) const SYMBOLS: usize = 256;

/// Which entry each slot of a context has. Two bytes, so that a context takes 8 KiB of the first
/// cache and not the 32 KiB of all its entries.
type Slots = [u16; PROB_SCALE as usize];

/// What a kernel needs to know of a plane.
pub(crate) struct Tables {
    /// Of context `class · quantizers + quantizer`. Arrays, so that a slot needs no bounds check.
    pub(super) slots: Vec<Slots>,
    /// [`SYMBOLS`] of each context: all that `slots` name are there.
    pub(super) entries: Vec<Entry>,
    pub(super) machine: Machine,
}

impl Tables {
    /// Tables of contexts with `points` by symbol, of which two differ in sign: 2m − 1 and 2m.
    pub fn new<'a>(
        machine: Machine,
        contexts: impl Iterator<Item = (&'a FreqTable, [f32; SYMBOLS])>,
    ) -> Self {
        let mut tables = Tables {
            slots: Vec::new(),
            entries: Vec::new(),
            machine,
        };
        for (table, points) in contexts {
            let first = tables.entries.len();
            tables.entries.resize(first + SYMBOLS, Entry(0));
            let mut slots = [0; PROB_SCALE as usize];
            for (symbol, range) in table.ranges().enumerate().take(SYMBOLS) {
                let odd = (symbol + 1) >> 1 & 1 == 1;
                let entry = Entry::new(range.start, range.len() as u32, odd, points[symbol]);
                tables.entries[first + symbol] = entry;
                // 64 contexts of 256 symbols at most.
                let at =
                    u16::try_from(first + symbol).expect("no more contexts than classes allow");
                slots[range.start as usize..range.end as usize].fill(at);
            }
            tables.slots.push(slots);
        }
        tables
    }
}

/// A symbol of a context: frequency in bits 0–12, start in bits 16–27, whether its index is odd in
/// bit 31, and from bit 32 on its value as f32.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Entry(pub u64);

impl Entry {
    fn new(start: u32, freq: u32, odd: bool, point: f32) -> Self {
        debug_assert!(start <= PROB_SCALE && freq <= PROB_SCALE);
        // A symbol of frequency 0 may start at the end; nothing asks for it.
        let low = freq | (start % PROB_SCALE) << 16 | u32::from(odd) << 31;
        Entry(u64::from(low) | u64::from(point.to_bits()) << 32)
    }

    #[inline(always)]
    pub fn freq(self) -> u32 {
        self.0 as u32 & 0x1fff
    }

    #[inline(always)]
    pub fn start(self) -> u32 {
        (self.0 >> 16) as u32 & (PROB_SCALE - 1)
    }

    /// 1 if the index is odd, else 0.
    #[inline(always)]
    pub fn odd(self) -> u32 {
        self.0 as u32 >> 31
    }

    #[inline(always)]
    pub fn point(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }
}

/// The lanes of a tile.
pub(crate) struct Lanes<const L: usize> {
    /// rANS states.
    pub coders: [u32; L],
    /// States of the trellis.
    pub machines: [u32; L],
}

impl<const L: usize> Lanes<L> {
    /// At the start of a tile, the coders in these states.
    pub fn new(coders: [u32; L]) -> Self {
        debug_assert!(coders.iter().all(|&x| x >= LOW));
        Lanes {
            coders,
            machines: [0; L],
        }
    }
}
