//! The encoder.

use std::hint::select_unpredictable;

use super::{Bit, MAX_DROPPED, TOP, UintModel};
use crate::wire::zigzag;

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

    /// A bit that is rather the one than the other: the CPU may guess it and go on.
    #[inline(always)]
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

    /// The same for a bit that nobody can guess, without a branch on it.
    #[inline(always)]
    fn even_bit(&mut self, model: &mut Bit, bit: bool) {
        let bound = model.bound(self.range);
        self.low += select_unpredictable(bit, u64::from(bound), 0);
        self.range = select_unpredictable(bit, self.range - bound, bound);
        model.update_even(bit);
        self.normalize();
    }

    /// `n` equiprobable bits, most significant first.
    #[inline(always)]
    pub fn raw(&mut self, value: u64, n: u32) {
        for i in (0..n).rev() {
            self.range >>= 1;
            let bit = value >> i & 1 == 1;
            self.low += select_unpredictable(bit, u64::from(self.range), 0);
            self.normalize();
        }
    }

    #[inline(always)]
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

impl UintModel {
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
                enc.even_bit(&mut models[node], bit == 1);
                node = node << 1 | bit as usize;
            } else {
                enc.raw(v & ((1 << (i + 1)) - 1), i + 1);
                break;
            }
        }
    }

    /// Codes a signed value through zigzag.
    pub fn encode_signed(&mut self, enc: &mut Encoder, value: i64) {
        self.encode(enc, zigzag(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::binary::Decoder;

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
