//! Interleaved range asymmetric numeral systems (rANS; Duda 2009, Giesen 2014): 32-bit states,
//! 16-bit words, static tables. Symbol i belongs to lane i mod L; all lanes share one word
//! stream, read in symbol order, so a decoder may run the lanes of a step side by side.
//!
//! A stream is: L final encoder states (u32 each), then the words (u16 each), little-endian.

#[cfg(feature = "encode")]
pub(crate) mod encode;

use crate::{Error, Result};

/// Frequencies are in units of 2⁻¹².
pub(crate) const PROB_BITS: u32 = 12;
/// Sum of the frequencies of one table.
pub(crate) const PROB_SCALE: u32 = 1 << PROB_BITS;

/// Lower bound of a state between symbols.
pub(crate) const LOW: u32 = 1 << 16;

/// The word stream of a decoder; reads zeros past the end and counts them.
pub(crate) struct Words<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Words<'a> {
    /// Splits a stream into its `L` initial states and its words.
    ///
    /// # Errors
    /// When the stream is too short for the states, has an odd length, or a state lies below the
    /// bound.
    pub fn open<const L: usize>(stream: &'a [u8]) -> Result<([u32; L], Self)> {
        let (head, words) = stream.split_at_checked(4 * L).ok_or(Error::Truncated {
            what: "entropy-coded stream",
            needed: 4 * L as u64,
            available: stream.len() as u64,
        })?;
        if words.len() % 2 != 0 {
            return Err(Error::invalid("entropy-coded stream", "has half a word"));
        }
        let mut states = [0; L];
        for (x, b) in states.iter_mut().zip(head.chunks_exact(4)) {
            *x = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            if *x < LOW {
                return Err(Error::invalid(
                    "entropy-coded stream",
                    "a state is out of range",
                ));
            }
        }
        Ok((
            states,
            Words {
                bytes: words,
                pos: 0,
            },
        ))
    }

    /// The words not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    /// Goes on where the last `len` bytes of words begin, which must not have been read yet.
    pub fn skip_to_last(&mut self, len: usize) {
        debug_assert!(len <= self.rest().len());
        self.pos = self.pos.max(self.bytes.len() - len);
    }

    /// Whether at least `n` more words are there.
    #[inline(always)]
    pub fn has(&self, n: usize) -> bool {
        self.bytes.len() - self.pos.min(self.bytes.len()) >= 2 * n
    }

    /// Brings `x` back above the bound with one word if it is below it.
    #[inline(always)]
    pub fn renormalize(&mut self, x: &mut u32) {
        if *x < LOW {
            let word = match self.bytes.get(self.pos..self.pos + 2) {
                Some(b) => u16::from_le_bytes([b[0], b[1]]),
                None => 0,
            };
            self.pos += 2;
            *x = *x << 16 | u32::from(word);
        }
    }

    /// The same for all lanes of a step without branches, after [`Words::has`] has promised a word
    /// for each.
    #[inline(always)]
    pub fn renormalize_lanes<const L: usize>(&mut self, states: &mut [u32; L]) {
        let (words, _) = self.bytes[self.pos..self.pos + 2 * L].as_chunks::<2>();
        let mut used = 0;
        for x in states {
            let need = *x < LOW;
            // `used` is below L, which the compiler cannot see but predicts.
            let word = u32::from(u16::from_le_bytes(words[used]));
            *x = if need { *x << 16 | word } else { *x };
            used += usize::from(need);
        }
        self.pos += 2 * used;
    }

    /// Errs unless every word was read and every state is back at its start: a check that the
    /// stream is the one an encoder made.
    pub fn finish(&self, states: &[u32]) -> Result<()> {
        if self.pos != self.bytes.len() || states.iter().any(|&x| x != LOW) {
            return Err(Error::invalid(
                "entropy-coded stream",
                "does not end where it should",
            ));
        }
        Ok(())
    }
}

/// The low [`PROB_BITS`] of a state: the slot of its next symbol.
#[inline(always)]
pub(crate) fn slot(x: u32) -> usize {
    (x & (PROB_SCALE - 1)) as usize
}
