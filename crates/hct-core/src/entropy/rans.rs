//! Interleaved range asymmetric numeral systems (rANS; Duda 2009, Giesen 2014): 32-bit states,
//! 16-bit words, static tables. Symbol i belongs to lane i mod L; all lanes share one word
//! stream, read in symbol order, so a decoder may run the lanes of a step side by side.
//!
//! A stream is: L final encoder states (u32 each), then the words (u16 each), little-endian.

use super::freq::{PROB_BITS, PROB_SCALE};
use crate::{Error, Result};

/// Lower bound of a state between symbols.
pub(crate) const LOW: u32 = 1 << 16;

/// Encodes symbols in reverse order.
pub(crate) struct RansEncoder {
    states: Vec<u32>,
    /// Words in reverse order.
    words: Vec<u16>,
}

impl RansEncoder {
    pub fn new(lanes: usize, expected_words: usize) -> Self {
        RansEncoder {
            states: vec![LOW; lanes],
            words: Vec::with_capacity(expected_words),
        }
    }

    /// Codes one symbol of frequency `freq` ≥ 1 and running sum `start` in `lane`.
    #[inline(always)]
    pub fn put(&mut self, lane: usize, (freq, start): (u32, u32)) {
        debug_assert!(freq > 0, "a symbol of frequency 0 cannot be coded");
        let mut x = self.states[lane];
        if u64::from(x) >= u64::from(freq) << (32 - PROB_BITS) {
            self.words.push(x as u16);
            x >>= 16;
        }
        self.states[lane] = ((x / freq) << PROB_BITS) + x % freq + start;
    }

    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.states.len() * 4 + self.words.len() * 2);
        for x in self.states {
            out.extend_from_slice(&x.to_le_bytes());
        }
        for w in self.words.iter().rev() {
            out.extend_from_slice(&w.to_le_bytes());
        }
        out
    }
}

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

    /// The same without branches, for when [`Words::has`] has promised a word.
    #[inline(always)]
    pub fn renormalize_promised(&mut self, x: &mut u32) {
        let need = *x < LOW;
        let b = &self.bytes[self.pos..self.pos + 2];
        let word = u32::from(u16::from_le_bytes([b[0], b[1]]));
        *x = if need { *x << 16 | word } else { *x };
        self.pos += 2 * usize::from(need);
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
