//! Frequency tables: integer symbol frequencies that sum to 2¹², and their decoding tables.

#[cfg(feature = "encode")]
mod encode;

#[cfg(feature = "encode")]
pub(crate) use encode::EncoderSymbols;

use std::ops::Range;

use super::binary::{Decoder, UintModel};
use super::rans::{PROB_BITS, PROB_SCALE};
use crate::{Error, Result};

/// Frequencies of symbols 0, 1, … that sum to [`PROB_SCALE`], with their running sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreqTable {
    freq: Vec<u16>,
    start: Vec<u16>,
}

impl FreqTable {
    /// A table in which every symbol of non-zero weight has a frequency of at least 1. Integer
    /// arithmetic only, so that every machine gets the same table.
    ///
    /// At most [`PROB_SCALE`] symbols, at least one of non-zero weight, weights below 2⁴⁸.
    pub fn from_weights(weights: &[u64]) -> Self {
        let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
        debug_assert!(total > 0 && weights.len() <= PROB_SCALE as usize);
        let mut freq: Vec<u16> = weights
            .iter()
            .map(|&w| match w {
                0 => 0,
                w => (u128::from(w) * u128::from(PROB_SCALE) / total).max(1) as u16,
            })
            .collect();
        let sum: i64 = freq.iter().map(|&f| i64::from(f)).sum();
        let mut surplus = i64::from(PROB_SCALE) - sum;
        // What rounding left over goes to, or comes from, the largest: least relative change.
        while surplus != 0 {
            let (at, &largest) = freq
                .iter()
                .enumerate()
                .max_by_key(|&(i, &f)| (f, usize::MAX - i))
                .expect("not empty");
            let change = if surplus > 0 {
                surplus
            } else {
                surplus.max(-(i64::from(largest) / 2))
            };
            freq[at] = (i64::from(largest) + change) as u16;
            surplus -= change;
        }
        Self::from_freqs(freq)
    }

    fn from_freqs(freq: Vec<u16>) -> Self {
        let mut sum = 0;
        let start = freq
            .iter()
            .map(|&f| {
                let s = sum;
                sum += f;
                s
            })
            .collect();
        FreqTable { freq, start }
    }

    /// The slots of each symbol.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        let pairs = self.freq.iter().zip(&self.start);
        pairs.map(|(&f, &start)| u32::from(start)..u32::from(start) + u32::from(f))
    }

    /// The decoding entries of this table, one a slot.
    pub fn slots(&self) -> [u32; PROB_SCALE as usize] {
        let mut slots = [0; PROB_SCALE as usize];
        for (symbol, (&f, &start)) in self.freq.iter().zip(&self.start).enumerate() {
            let of_symbol = &mut slots[usize::from(start)..usize::from(start) + usize::from(f)];
            for (bias, slot) in of_symbol.iter_mut().enumerate() {
                *slot = Slot::pack(symbol as u32, u32::from(f), bias as u32);
            }
        }
        slots
    }

    /// Reads a table, the bit length of each frequency adapted to its neighbour's, for an alphabet of `symbols`.
    ///
    /// # Errors
    /// When the frequencies do not sum to [`PROB_SCALE`] or the table is longer than `symbols`.
    pub fn read(dec: &mut Decoder<'_>, model: &mut TableModel, symbols: usize) -> Result<Self> {
        let bad = |why: &str| Err(Error::invalid("frequency table", why));
        let used = model.len.decode(dec);
        if used == 0 || used > symbols as u64 {
            return bad("its length is zero or past the alphabet");
        }
        let mut freq = vec![0u16; symbols];
        let mut left = u64::from(PROB_SCALE);
        let mut prev = 0;
        for f in &mut freq[..used as usize] {
            let v = model.freq[bucket(prev)].decode(dec);
            if v > left {
                return bad("its frequencies sum to more than 4096");
            }
            *f = v as u16;
            prev = v as u32;
            left -= v;
            if left == 0 {
                break;
            }
        }
        if left > 0 {
            return bad("its frequencies sum to less than 4096");
        }
        Ok(Self::from_freqs(freq))
    }
}

fn bucket(previous: u32) -> usize {
    (u32::BITS - previous.leading_zeros()) as usize
}

/// Adaptive models for writing [`FreqTable`]s one after another.
pub(crate) struct TableModel {
    len: UintModel,
    freq: Vec<UintModel>,
}

impl TableModel {
    pub fn new() -> Self {
        TableModel {
            len: UintModel::new(),
            freq: vec![UintModel::new(); PROB_BITS as usize + 2],
        }
    }
}

/// One decoding entry: symbol in bits 0–7, frequency − 1 in bits 8–19, bias in bits 20–31.
pub(crate) struct Slot;

impl Slot {
    fn pack(symbol: u32, freq: u32, bias: u32) -> u32 {
        debug_assert!(symbol < 256 && (1..=PROB_SCALE).contains(&freq) && bias < freq);
        symbol | (freq - 1) << 8 | bias << 20
    }

    #[inline(always)]
    pub fn symbol(entry: u32) -> u8 {
        entry as u8
    }

    #[inline(always)]
    pub fn freq(entry: u32) -> u32 {
        ((entry >> 8) & 0xfff) + 1
    }

    #[inline(always)]
    pub fn bias(entry: u32) -> u32 {
        entry >> 20
    }
}
