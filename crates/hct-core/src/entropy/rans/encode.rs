//! The encoder, which runs backwards.

use super::{LOW, PROB_BITS, PROB_SCALE};

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

    /// Codes `symbols`, symbol i in lane i mod `L`; `coder(i, s)` is how symbol i, `s`, is coded.
    #[inline(always)]
    pub fn put_all<'c, S: Copy>(
        &mut self,
        symbols: &[S],
        coder: impl Fn(usize, S) -> &'c EncoderSymbol,
    ) {
        let (steps, tail) = symbols.as_chunks::<L>();
        let first = steps.len() * L;
        for (lane, &s) in tail.iter().enumerate().rev() {
            self.put(lane, coder(first + lane, s));
        }
        // Copies that stay in registers, and words that a step cannot run past.
        let (mut states, mut len) = (self.states, self.len);
        for (step, symbols) in steps.iter().enumerate().rev() {
            let Some(words) = self.words[len..].first_chunk_mut::<L>() else {
                // Not reached: there is room for a word a symbol.
                break;
            };
            let mut used = 0;
            for lane in (0..L).rev() {
                let symbol = coder(step * L + lane, symbols[lane]);
                let x = states[lane];
                let full = x >> (32 - PROB_BITS) >= symbol.freq;
                // Of a lane after `used` others: the mask changes nothing.
                words[used & (L - 1)] = x as u16;
                used += usize::from(full);
                states[lane] = symbol.advance(if full { x >> 16 } else { x });
            }
            len += used;
        }
        (self.states, self.len) = (states, len);
    }

    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.states.len() * 4 + self.len * 2);
        for x in self.states {
            out.extend_from_slice(&x.to_le_bytes());
        }
        out.extend(
            self.words[..self.len]
                .iter()
                .rev()
                .flat_map(|w| w.to_le_bytes()),
        );
        out
    }
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
