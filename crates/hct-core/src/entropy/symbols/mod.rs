//! Strings of byte symbols through interleaved rANS, each symbol under one of several static
//! tables picked by what came before it.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::encode;

use super::freq::{FreqTable, Slot};
use super::rans::{PROB_BITS, PROB_SCALE, Words, slot};
use crate::Result;

/// Lanes of a plain symbol stream.
const LANES: usize = 8;

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
    let slots: Vec<u32> = tables.iter().flat_map(FreqTable::slots).collect();
    let (mut states, mut words) = Words::open::<LANES>(stream)?;
    let mut out = vec![0u8; n];
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
