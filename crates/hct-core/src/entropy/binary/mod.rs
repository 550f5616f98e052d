//! Adaptive binary range coder for side information (scales, tables, patches): small amounts of
//! data whose statistics are not known beforehand, where a static table would cost more than it
//! saves. Carry propagation as in LZMA's range coder (Martin 1979; Subbotin 1999).

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::Encoder;

use std::hint::select_unpredictable;

use crate::wire::unzigzag;
use crate::{Error, Result};

/// Probability of a zero bit in 1/65536, adapting fast at first and slower with every bit seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    p0: u16,
    /// Bits seen, as far as they matter.
    seen: u8,
}

/// Slowest adaptation: p moves by 1/2^6 of its error.
const SLOWEST: u8 = 6;
/// From so many bits on, adaptation is at its slowest.
const LAST_SEEN: u8 = (1 << (SLOWEST - 1)) - 1;
/// Adaptation after so many bits: rates 1/2, 1/3, 1/4 … approximated by shifts, 1, 2, 2, 3, 3, 3, 3,
/// 4, …
const SHIFTS: [u8; LAST_SEEN as usize + 1] = {
    let mut shifts = [0; LAST_SEEN as usize + 1];
    let mut seen = 0;
    while seen < shifts.len() {
        shifts[seen] = 1 + (seen as u32 + 1).ilog2() as u8;
        seen += 1;
    }
    shifts
};
const TOP: u32 = 1 << 24;
/// Zero bytes that may be missing at the end of a stream.
const MAX_DROPPED: u32 = 8;

impl Bit {
    pub const fn new() -> Self {
        Bit {
            p0: 1 << 15,
            seen: 0,
        }
    }

    /// The part of `range` that a zero takes; never 0 and never all of it.
    fn bound(self, range: u32) -> u32 {
        (range >> 16) * u32::from(self.p0)
    }

    #[inline(always)]
    fn shift(&mut self) -> u8 {
        let shift = SHIFTS[usize::from(self.seen & LAST_SEEN)];
        self.seen = (self.seen + 1).min(LAST_SEEN);
        shift
    }

    #[inline(always)]
    fn update(&mut self, bit: bool) {
        let shift = self.shift();
        if bit {
            self.p0 -= self.p0 >> shift;
            self.p0 = self.p0.max(64);
        } else {
            self.p0 += (u16::MAX - self.p0) >> shift;
            self.p0 = self.p0.min(u16::MAX - 63);
        }
    }

    /// The same without a branch on the bit.
    #[inline(always)]
    fn update_even(&mut self, bit: bool) {
        let shift = self.shift();
        // The probability of what did not come falls, in either case alike, since u16::MAX − x is
        // x with its bits flipped.
        let flip = u16::from(bit).wrapping_sub(1);
        let other = self.p0 ^ flip;
        let least = 63 + u16::from(bit);
        self.p0 = (other - (other >> shift)).max(least) ^ flip;
    }
}

/// Reads bits. Past the end it reads zeros, a bounded number of times.
pub(crate) struct Decoder<'a> {
    range: u32,
    code: u32,
    bytes: &'a [u8],
    past_end: u32,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut d = Decoder {
            range: u32::MAX,
            code: 0,
            bytes,
            past_end: 0,
        };
        for _ in 0..4 {
            d.code = d.code << 8 | u32::from(d.next());
        }
        d
    }

    #[inline(always)]
    fn next(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&b, rest)) => {
                self.bytes = rest;
                b
            }
            None => {
                self.past_end = self.past_end.saturating_add(1);
                0
            }
        }
    }

    /// A bit that is rather the one than the other: the CPU may guess it and go on.
    #[inline(always)]
    pub fn bit(&mut self, model: &mut Bit) -> bool {
        let bound = model.bound(self.range);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        model.update(bit);
        self.normalize();
        bit
    }

    /// The same for a bit that nobody can guess, without a branch on it.
    #[inline(always)]
    fn even_bit(&mut self, model: &mut Bit) -> bool {
        let bound = model.bound(self.range);
        let (rest, below) = self.code.overflowing_sub(bound);
        self.range = select_unpredictable(below, bound, self.range - bound);
        self.code = select_unpredictable(below, self.code, rest);
        model.update_even(!below);
        self.normalize();
        !below
    }

    /// `n` equiprobable bits, most significant first.
    #[inline(always)]
    pub fn raw(&mut self, n: u32) -> u64 {
        let mut value = 0;
        for _ in 0..n {
            self.range >>= 1;
            let (rest, below) = self.code.overflowing_sub(self.range);
            self.code = select_unpredictable(below, self.code, rest);
            value = value << 1 | u64::from(!below);
            self.normalize();
        }
        value
    }

    #[inline(always)]
    fn normalize(&mut self) {
        while self.range < TOP {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.next());
        }
    }

    /// Errs when the stream was not what an encoder ends with: bytes left over, or more read
    /// past the end than the dropped zeros can explain.
    pub fn finish(&self, what: &'static str) -> Result<()> {
        if !self.bytes.is_empty() {
            return Err(Error::invalid(
                what,
                "bytes left over after the last symbol",
            ));
        }
        if self.past_end > MAX_DROPPED {
            return Err(Error::invalid(what, "the coded data end too early"));
        }
        Ok(())
    }

    /// Whether reading has run far past the end: the rest can only be noise.
    pub fn exhausted(&self) -> bool {
        self.past_end > MAX_DROPPED
    }
}

/// Adaptive model of unsigned integers: the bit length in unary, then the bits below the leading
/// one; the first three adapt, the others are raw (Elias γ with adaptive bits).
#[derive(Clone)]
pub(crate) struct UintModel {
    length: [Bit; 65],
    mantissa: Vec<[Bit; 8]>,
}

impl UintModel {
    pub fn new() -> Self {
        UintModel {
            length: [Bit::new(); 65],
            mantissa: vec![[Bit::new(); 8]; 65],
        }
    }

    /// The next value. Any input decodes to some value.
    pub fn decode(&mut self, dec: &mut Decoder<'_>) -> u64 {
        let mut len = 0u32;
        while len < 63 && dec.bit(&mut self.length[len as usize]) {
            len += 1;
        }
        let models = &mut self.mantissa[len as usize];
        let (mut v, mut node) = (1u64, 1);
        for i in (0..len).rev() {
            if node < 8 {
                let bit = dec.even_bit(&mut models[node]);
                node = node << 1 | usize::from(bit);
                v = v << 1 | u64::from(bit);
            } else {
                v = v << (i + 1) | dec.raw(i + 1);
                break;
            }
        }
        v - 1
    }

    /// The next signed value, through zigzag.
    pub fn decode_signed(&mut self, dec: &mut Decoder<'_>) -> i64 {
        unzigzag(self.decode(dec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_learns_the_same_with_a_branch_and_without() {
        for p0 in 64..=u16::MAX - 63 {
            for seen in [0, 1, 2, 5, 6, 7, 14, 15, 30, LAST_SEEN] {
                for bit in [false, true] {
                    let (mut a, mut b) = (Bit { p0, seen }, Bit { p0, seen });
                    a.update(bit);
                    b.update_even(bit);
                    assert_eq!((a.p0, a.seen), (b.p0, b.seen), "{p0} {seen} {bit}");
                }
            }
        }
    }
}
