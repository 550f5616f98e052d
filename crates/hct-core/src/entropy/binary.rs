//! Adaptive binary range coder for side information (scales, tables, patches): small amounts of
//! data whose statistics are not known beforehand, where a static table would cost more than it
//! saves. Carry propagation as in LZMA's range coder (Martin 1979; Subbotin 1999).

use crate::{Error, Result};

/// Probability of a zero bit in 1/65536, adapting fast at first and slower with every bit seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    p0: u16,
    seen: u8,
}

/// Slowest adaptation: p moves by 1/2^6 of its error.
const SLOWEST: u8 = 6;
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

    fn update(&mut self, bit: bool) {
        // Rates 1/2, 1/3, 1/4 … approximated by shifts: 1, 2, 2, 3, 3, 3, 3, 4, …
        let shift = (1 + (u32::from(self.seen) + 1).ilog2() as u8).min(SLOWEST);
        self.seen = self.seen.saturating_add(1);
        if bit {
            self.p0 -= self.p0 >> shift;
            self.p0 = self.p0.max(64);
        } else {
            self.p0 += (u16::MAX - self.p0) >> shift;
            self.p0 = self.p0.min(u16::MAX - 63);
        }
    }
}

/// Writes bits.
pub(crate) struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    pending: u64,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Self {
        Encoder {
            low: 0,
            range: u32::MAX,
            cache: 0,
            pending: 0,
            out: Vec::new(),
        }
    }

    pub fn bit(&mut self, model: &mut Bit, bit: bool) {
        let bound = model.bound(self.range);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        model.update(bit);
        self.normalize();
    }

    /// `n` equiprobable bits, most significant first.
    pub fn raw(&mut self, value: u64, n: u32) {
        for i in (0..n).rev() {
            self.range >>= 1;
            if value >> i & 1 == 1 {
                self.low += u64::from(self.range);
            }
            self.normalize();
        }
    }

    fn normalize(&mut self) {
        while self.range < TOP {
            self.range <<= 8;
            self.shift_low();
        }
    }

    fn shift_low(&mut self) {
        if self.low < 0xff00_0000 || self.low > 0xffff_ffff {
            let carry = (self.low >> 32) as u8;
            self.out.push(self.cache.wrapping_add(carry));
            for _ in 0..self.pending {
                self.out.push(0xffu8.wrapping_add(carry));
            }
            self.pending = 0;
            self.cache = (self.low >> 24) as u8;
        } else {
            self.pending += 1;
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    /// Ends the stream. Up to [`MAX_DROPPED`] trailing zero bytes are dropped: the decoder reads
    /// zeros past the end.
    pub fn finish(mut self) -> Vec<u8> {
        // Choose the value in [low, low + range) with the most trailing zeros.
        for bits in (0..32).rev() {
            let mask = (1u64 << bits) - 1;
            let rounded = (self.low + mask) & !mask;
            if rounded < self.low + u64::from(self.range) {
                self.low = rounded;
                break;
            }
        }
        for _ in 0..5 {
            self.shift_low();
        }
        // The first byte is the initial cache, always 0 or a carry that cannot happen.
        self.out.remove(0);
        for _ in 0..MAX_DROPPED {
            if self.out.last() == Some(&0) {
                self.out.pop();
            }
        }
        self.out
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

    pub fn raw(&mut self, n: u32) -> u64 {
        let mut value = 0;
        for _ in 0..n {
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code -= self.range;
            }
            value = value << 1 | u64::from(bit);
            self.normalize();
        }
        value
    }

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

    /// Codes `value`, which must be below 2⁶³ − 1.
    pub fn encode(&mut self, enc: &mut Encoder, value: u64) {
        let v = value + 1;
        let len = v.ilog2();
        for i in 0..len {
            enc.bit(&mut self.length[i as usize], true);
        }
        enc.bit(&mut self.length[len as usize], false);
        let models = &mut self.mantissa[len as usize];
        let mut node = 1;
        for i in (0..len).rev() {
            let bit = v >> i & 1;
            if node < 8 {
                enc.bit(&mut models[node], bit == 1);
                node = node << 1 | bit as usize;
            } else {
                enc.raw(v & ((1 << (i + 1)) - 1), i + 1);
                break;
            }
        }
    }

    /// Inverse of [`UintModel::encode`]. Any input decodes to some value.
    pub fn decode(&mut self, dec: &mut Decoder<'_>) -> u64 {
        let mut len = 0u32;
        while len < 63 && dec.bit(&mut self.length[len as usize]) {
            len += 1;
        }
        let models = &mut self.mantissa[len as usize];
        let (mut v, mut node) = (1u64, 1);
        for i in (0..len).rev() {
            if node < 8 {
                let bit = dec.bit(&mut models[node]);
                node = node << 1 | usize::from(bit);
                v = v << 1 | u64::from(bit);
            } else {
                v = v << (i + 1) | dec.raw(i + 1);
                break;
            }
        }
        v - 1
    }

    /// Codes a signed value through zigzag.
    pub fn encode_signed(&mut self, enc: &mut Encoder, value: i64) {
        self.encode(enc, crate::wire::zigzag(value));
    }

    /// Inverse of [`UintModel::encode_signed`].
    pub fn decode_signed(&mut self, dec: &mut Decoder<'_>) -> i64 {
        crate::wire::unzigzag(self.decode(dec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_size_round_trip() {
        let values: Vec<u64> = (0..64)
            .flat_map(|s| [(1u64 << s) - 1, 1 << s, (1 << s) + 1])
            .filter(|&v| v < 1 << 62)
            .chain([0, 0, 0, 1, 2, 3])
            .collect();
        let mut enc = Encoder::new();
        let mut model = UintModel::new();
        values.iter().for_each(|&v| model.encode(&mut enc, v));
        let bytes = enc.finish();
        let mut dec = Decoder::new(&bytes);
        let mut model = UintModel::new();
        for &v in &values {
            assert_eq!(model.decode(&mut dec), v);
        }
        dec.finish("test").unwrap();
    }

    #[test]
    fn skewed_bits_cost_about_their_entropy() {
        let bits: Vec<bool> = (0..20_000u32)
            .map(|i| i.wrapping_mul(2_654_435_761) >> 28 == 0)
            .collect();
        let mut enc = Encoder::new();
        let mut model = Bit::new();
        bits.iter().for_each(|&b| enc.bit(&mut model, b));
        let bytes = enc.finish();
        // H(1/16) = 0.337 bit; the adaptive estimate wanders a little.
        assert!(
            (bytes.len() as f64) < 20_000.0 * 0.337 / 8.0 * 1.06,
            "{}",
            bytes.len()
        );
        let mut dec = Decoder::new(&bytes);
        let mut model = Bit::new();
        assert!(bits.iter().all(|&b| dec.bit(&mut model) == b));
        dec.finish("test").unwrap();
    }

    #[test]
    fn long_runs_of_the_likely_symbol_decode() {
        // Such streams end in many zero bytes.
        for (n, last) in [(1_000, 0), (200_000, 0), (200_000, 5), (3_000_000, 0)] {
            let mut enc = Encoder::new();
            let mut model = UintModel::new();
            (0..n).for_each(|_| model.encode(&mut enc, 0));
            model.encode(&mut enc, last);
            let bytes = enc.finish();
            let mut dec = Decoder::new(&bytes);
            let mut model = UintModel::new();
            assert!((0..n).all(|_| model.decode(&mut dec) == 0));
            assert_eq!(model.decode(&mut dec), last);
            dec.finish("test").unwrap();
        }
    }

    #[test]
    fn noise_decodes_to_something_without_panic() {
        let noise: Vec<u8> = (0..200u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut dec = Decoder::new(&noise);
        let mut model = UintModel::new();
        while !dec.exhausted() {
            model.decode(&mut dec);
        }
        assert!(dec.finish("noise").is_err());
    }
}
