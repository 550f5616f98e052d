//! Decoding tables.

use crate::entropy::freq::FreqTable;
use crate::entropy::rans::PROB_SCALE;

/// Decoding entries by slot: symbol in bits 0–7, bias in bits 8–19, frequency in bits 20–31, where
/// vectors have it by one shift.
pub(super) type Entries = [u32; PROB_SCALE as usize];

/// How to decode.
pub(crate) struct Slots {
    pub(super) entries: Box<Entries>,
    /// The symbol that has all slots, whose frequency does not fit into an entry.
    pub(super) only: Option<u8>,
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
