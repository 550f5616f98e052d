//! The encoder, which runs backwards.

use super::{LOW, PROB_BITS, PROB_SCALE};
use crate::kernels::encode as kernel;
use crate::scratch::WordRoom;

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

    /// What a kernel takes for it.
    fn packed(&self) -> kernel::Coder {
        match self.freq {
            0 => kernel::Coder::default(),
            1 => kernel::Coder::new(1, self.bias - (PROB_SCALE - 1)),
            freq => kernel::Coder::new(freq, self.bias),
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
    /// Words from `at` on, in the order of the stream.
    words: WordRoom,
    at: usize,
}

impl<const L: usize> RansEncoder<L> {
    /// An encoder of at most `symbols` symbols.
    pub fn new(symbols: usize) -> Self {
        // A symbol emits at most one word.
        let words = WordRoom::new(kernel::SLACK + symbols);
        RansEncoder {
            states: [LOW; L],
            at: words.len(),
            words,
        }
    }

    /// Codes one symbol in `lane`.
    #[inline(always)]
    pub fn put(&mut self, lane: usize, symbol: &EncoderSymbol) {
        let x = self.states[lane];
        let full = x >> (32 - PROB_BITS) >= symbol.freq;
        // Written always and kept sometimes, for want of a predictable branch.
        self.words[self.at - 1] = x as u16;
        self.at -= usize::from(full);
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
        self.put_tail(tail, |lane, s| coder(first + lane, s));
        // Copies that stay in registers, and words that a step cannot run past.
        let (mut states, mut at) = (self.states, self.at);
        for (step, symbols) in steps.iter().enumerate().rev() {
            let Some(words) = self.words[..at].last_chunk_mut::<L>() else {
                // Not reached: there is room for a word a symbol.
                break;
            };
            let mut used = 0;
            for lane in (0..L).rev() {
                let symbol = coder(step * L + lane, symbols[lane]);
                let x = states[lane];
                let full = x >> (32 - PROB_BITS) >= symbol.freq;
                // Of a lane after `used` others: the mask changes nothing.
                words[(L - 1 - used) & (L - 1)] = x as u16;
                used += usize::from(full);
                states[lane] = symbol.advance(if full { x >> 16 } else { x });
            }
            at -= used;
        }
        (self.states, self.at) = (states, at);
    }

    /// The same, `coders[index(i, s)]` being how symbol i, `s`, is coded: faster for many symbols
    /// in 32 lanes.
    pub fn put_indexed<S: Copy>(
        &mut self,
        symbols: &[S],
        coders: &[EncoderSymbol],
        index: impl Fn(usize, S) -> usize,
    ) {
        let (steps, tail) = symbols.split_at(symbols.len() / L * L);
        self.put_tail(tail, |i, s| &coders[index(steps.len() + i, s)]);
        if let Ok(states) = <&mut [u32; kernel::LANES]>::try_from(&mut self.states[..]) {
            let packed: Vec<kernel::Coder> = coders.iter().map(EncoderSymbol::packed).collect();
            let (words, at) = (&mut self.words[..], self.at);
            let done = match <&[kernel::Coder; 256]>::try_from(&packed[..]) {
                // What is a byte needs no bounds check.
                Ok(packed) => kernel::steps(states, words, at, steps, |i, s| {
                    packed[index(i, s) % packed.len()]
                }),
                Err(_) => kernel::steps(states, words, at, steps, |i, s| packed[index(i, s)]),
            };
            if let Some(at) = done {
                self.at = at;
                return;
            }
        }
        self.put_all(steps, |i, s| &coders[index(i, s)]);
    }

    /// Codes fewer than `L` symbols.
    fn put_tail<'c, S: Copy>(
        &mut self,
        symbols: &[S],
        coder: impl Fn(usize, S) -> &'c EncoderSymbol,
    ) {
        for (lane, &s) in symbols.iter().enumerate().rev() {
            self.put(lane, coder(lane, s));
        }
    }

    /// Appends the stream to `out`.
    pub fn finish_into(&self, out: &mut Vec<u8>) {
        out.extend(self.states.iter().flat_map(|x| x.to_le_bytes()));
        let words = &self.words[self.at..];
        let first = out.len();
        out.resize(first + 2 * words.len(), 0);
        let (room, _) = out[first..].as_chunks_mut::<2>();
        for (bytes, word) in room.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
    }

    /// Bytes of the stream.
    pub fn len(&self) -> usize {
        4 * L + 2 * (self.words.len() - self.at)
    }

    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        self.finish_into(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::same_at_every_level;

    #[test]
    fn streams_are_the_same_at_every_level() {
        // Frequencies of all sizes, some of which take x + 1.
        for freqs in [
            vec![4095, 1],
            vec![2305, 1700, 90, 1],
            vec![1; 4096],
            vec![16; 256],
        ] {
            let mut start = 0;
            let coders: Vec<EncoderSymbol> = freqs
                .iter()
                .map(|&f| {
                    start += f;
                    EncoderSymbol::new(f, start - f)
                })
                .collect();
            for n in [0, 31, 32, 33, 6400, 6427] {
                let symbols: Vec<u16> = (0..n as u32)
                    .map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as u16 % freqs.len() as u16)
                    .collect();
                let stream = same_at_every_level(|| {
                    let mut enc = RansEncoder::<32>::new(n);
                    enc.put_indexed(&symbols, &coders, |_, s| usize::from(s));
                    assert_eq!(enc.len(), enc.words.len() * 2 - 2 * enc.at + 128);
                    enc.finish()
                });
                let mut enc = RansEncoder::<32>::new(n);
                enc.put_all(&symbols, |_, s| &coders[usize::from(s)]);
                assert!(enc.finish() == stream, "{n} symbols");
            }
        }
    }

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
