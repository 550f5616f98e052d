//! Strings of byte symbols through interleaved rANS, each symbol under one of several static
//! tables picked by what came before it.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::{encode, encode_wide};

use super::freq::{FreqTable, Slot};
use super::rans::{PROB_BITS, PROB_SCALE, Words, slot};
use crate::Result;
use crate::kernels::symbols as kernel;

/// Lanes of a plain symbol stream.
const LANES: usize = 8;
/// Lanes of a wide one: enough to keep vectors busy.
const WIDE_LANES: usize = 32;

/// A stream under one table, decoded piece by piece.
pub(crate) struct SymbolReader<'a> {
    slots: kernel::Slots,
    lanes: Lanes,
    words: Words<'a>,
}

enum Lanes {
    Plain([u32; LANES]),
    Wide([u32; WIDE_LANES]),
}

impl<'a> SymbolReader<'a> {
    /// All pieces but the last are of a multiple of this many symbols.
    pub const PIECE: usize = WIDE_LANES;

    /// Begins to read a plain `stream`.
    ///
    /// # Errors
    /// When it is too short or holds a state that is out of range.
    pub fn plain(stream: &'a [u8], table: &FreqTable) -> Result<Self> {
        let (lanes, words) = Words::open(stream)?;
        Ok(SymbolReader {
            slots: kernel::Slots::of(table),
            lanes: Lanes::Plain(lanes),
            words,
        })
    }

    /// The same of a wide one.
    ///
    /// # Errors
    /// As [`SymbolReader::plain`].
    pub fn wide(stream: &'a [u8], table: &FreqTable) -> Result<Self> {
        let (lanes, words) = Words::open(stream)?;
        Ok(SymbolReader {
            slots: kernel::Slots::of(table),
            lanes: Lanes::Wide(lanes),
            words,
        })
    }

    /// The next symbols.
    pub fn read(&mut self, out: &mut [u8]) {
        let (slots, words) = (&self.slots, &mut self.words);
        match &mut self.lanes {
            Lanes::Plain(lanes) => kernel::decode(slots, lanes, words, out),
            Lanes::Wide(lanes) => kernel::decode(slots, lanes, words, out),
        }
    }

    /// Checks that all was read.
    ///
    /// # Errors
    /// When the stream is not one that an encoder makes of as many symbols as were read.
    pub fn finish(&self) -> Result<()> {
        match &self.lanes {
            Lanes::Plain(lanes) => self.words.finish(lanes),
            Lanes::Wide(lanes) => self.words.finish(lanes),
        }
    }
}

/// Decodes `n` symbols; `context(i, before)` names the table of symbol `i` given those before it,
/// and must lie below `tables.len()`.
///
/// # Errors
/// When `stream` is not one that an encoder makes.
pub(crate) fn decode(
    stream: &[u8],
    n: usize,
    tables: &[FreqTable],
    context: impl Fn(usize, &[u8]) -> usize,
) -> Result<Vec<u8>> {
    let mut out = vec![0u8; n];
    if let [table] = tables {
        let mut reader = SymbolReader::plain(stream, table)?;
        reader.read(&mut out);
        reader.finish()?;
        return Ok(out);
    }
    let slots: Vec<u32> = tables.iter().flat_map(FreqTable::slots).collect();
    let (mut states, mut words) = Words::open::<LANES>(stream)?;
    for i in 0..n {
        let (before, after) = out.split_at_mut(i);
        let x = &mut states[i % LANES];
        let entry = slots[context(i, before) * PROB_SCALE as usize + slot(*x)];
        *x = Slot::freq(entry) * (*x >> PROB_BITS) + Slot::bias(entry);
        words.renormalize(x);
        after[0] = Slot::symbol(entry);
    }
    words.finish(&states)?;
    Ok(out)
}
