//! Interleaved range asymmetric numeral systems (rANS; Duda 2009, Giesen 2014): 32-bit states,
//! 16-bit words, static tables. Symbol i belongs to lane i mod L; all lanes share one word
//! stream, read in symbol order, so a decoder may run the lanes of a step side by side.
//!
//! A stream is: L final encoder states (u32 each), then the words (u16 each), little-endian.

use super::freq::{PROB_BITS, PROB_SCALE};
use crate::{Error, Result};

/// Lower bound of a state between symbols.
pub(crate) const LOW: u32 = 1 << 16;

/// How to code one symbol: its frequency, running sum and the reciprocal of the frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EncoderSymbol {
    freq: u32,
    start: u32,
    reciprocal: f64,
}

impl EncoderSymbol {
    /// A symbol of frequency `freq` ≥ 1.
    pub fn new(freq: u32, start: u32) -> Self {
        debug_assert!(freq > 0, "a symbol of frequency 0 cannot be coded");
        EncoderSymbol {
            freq,
            start,
            reciprocal: 1.0 / f64::from(freq),
        }
    }

    /// ⌊x / freq⌋. The product is within 2⁻²⁰ of the quotient, which lies at least 2⁻¹² below the
    /// next integer, so adding 2⁻¹⁴ corrects quotients that are integers and no others.
    #[inline(always)]
    fn divide(&self, x: u32) -> u32 {
        (f64::from(x) * self.reciprocal + 1.0 / 16384.0) as u32
    }
}

/// Encodes symbols in reverse order.
pub(crate) struct RansEncoder {
    states: Vec<u32>,
    /// Words in reverse order, and how many there are.
    words: Vec<u16>,
    len: usize,
}

impl RansEncoder {
    /// An encoder of at most `symbols` symbols.
    pub fn new(lanes: usize, symbols: usize) -> Self {
        // A symbol emits at most one word.
        RansEncoder {
            states: vec![LOW; lanes],
            words: vec![0; symbols],
            len: 0,
        }
    }

    /// Codes one symbol in `lane`.
    #[inline(always)]
    pub fn put(&mut self, lane: usize, symbol: &EncoderSymbol) {
        let x = self.states[lane];
        let full = u64::from(x) >= u64::from(symbol.freq) << (32 - PROB_BITS);
        // Written always and kept sometimes, for want of a predictable branch.
        self.words[self.len] = x as u16;
        self.len += usize::from(full);
        let x = if full { x >> 16 } else { x };
        let q = symbol.divide(x);
        self.states[lane] = (q << PROB_BITS) + (x - q * symbol.freq) + symbol.start;
    }

    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.states.len() * 4 + self.len * 2);
        for x in self.states {
            out.extend_from_slice(&x.to_le_bytes());
        }
        for w in self.words[..self.len].iter().rev() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_reciprocal_is_exact() {
        for freq in 1..=PROB_SCALE {
            let symbol = EncoderSymbol::new(freq, 0);
            let top = u32::MAX / freq;
            for q in [0, 1, 2, top / 3, top / 2, top - 1, top] {
                for x in [
                    (q * freq).saturating_sub(1),
                    q * freq,
                    (q * freq).saturating_add(1),
                ] {
                    assert_eq!(symbol.divide(x), x / freq, "{x} / {freq}");
                }
            }
        }
    }
}
