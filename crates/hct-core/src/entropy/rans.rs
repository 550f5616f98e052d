//! Interleaved range asymmetric numeral systems (rANS; Duda 2009, Giesen 2014): 32-bit states,
//! 16-bit words, static tables. Symbol i belongs to lane i mod L; all lanes share one word
//! stream, read in symbol order, so a decoder may run the lanes of a step side by side.
//!
//! A stream is: L final encoder states (u32 each), then the words (u16 each), little-endian.

use super::freq::{PROB_BITS, PROB_SCALE};
use crate::{Error, Result};

/// Lower bound of a state between symbols.
pub(crate) const LOW: u32 = 1 << 16;

/// How to code one symbol: its frequency f and what replaces division by it.
///
/// A state x becomes ⌊x/f⌋·2¹² + x mod f + start = x + start + ⌊x/f⌋·(2¹² − f). The quotient is
/// the high half of x·(⌊2⁶⁴/f⌋ + 1), exact while x·f < 2⁶⁴; for f = 1, where that factor does not
/// fit, 2⁶⁴ − 1 gives x − 1 and the bias makes up for it (Giesen 2014).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EncoderSymbol {
    reciprocal: u64,
    freq: u32,
    bias: u32,
}

impl EncoderSymbol {
    /// A symbol of frequency `freq` ≥ 1.
    pub fn new(freq: u32, start: u32) -> Self {
        match freq {
            1 => EncoderSymbol {
                reciprocal: u64::MAX,
                freq,
                bias: start + PROB_SCALE - 1,
            },
            _ => {
                debug_assert!(freq > 0, "a symbol of frequency 0 cannot be coded");
                let reciprocal = ((1u128 << 64) / u128::from(freq)) as u64 + 1;
                EncoderSymbol {
                    reciprocal,
                    freq,
                    bias: start,
                }
            }
        }
    }

    #[inline(always)]
    fn advance(&self, x: u32) -> u32 {
        let q = ((u128::from(x) * u128::from(self.reciprocal)) >> 64) as u32;
        x.wrapping_add(self.bias)
            .wrapping_add(q.wrapping_mul(PROB_SCALE - self.freq))
    }
}

/// Encodes symbols in reverse order.
pub(crate) struct RansEncoder<const L: usize> {
    states: [u32; L],
    /// Words in reverse order, and how many there are.
    words: Vec<u16>,
    len: usize,
}

impl<const L: usize> RansEncoder<L> {
    /// An encoder of at most `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        // A symbol emits at most one word.
        RansEncoder {
            states: [LOW; L],
            words: vec![0; symbols],
            len: 0,
        }
    }

    /// Codes one symbol in `lane`.
    #[inline(always)]
    pub fn put(&mut self, lane: usize, symbol: &EncoderSymbol) {
        let x = self.states[lane];
        let full = x >> (32 - PROB_BITS) >= symbol.freq;
        // Written always and kept sometimes, for want of a predictable branch.
        self.words[self.len] = x as u16;
        self.len += usize::from(full);
        self.states[lane] = symbol.advance(if full { x >> 16 } else { x });
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
    fn states_advance_exactly() {
        for freq in 1..=PROB_SCALE {
            let symbol = EncoderSymbol::new(freq, 0);
            // After renormalization a state is below freq · 2²⁰.
            let top = (1 << 20) - 1;
            for q in [1, 2, top / 3, top / 2, top - 1, top] {
                for x in [q * freq - 1, q * freq, q * freq + (freq - 1)] {
                    let expected = ((x / freq) << PROB_BITS) + x % freq;
                    assert!(x == 0 || symbol.advance(x) == expected, "{x} / {freq}");
                }
            }
        }
    }
}
