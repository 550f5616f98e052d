//! Frequency tables: integer symbol frequencies that sum to 2¹², and their decoding tables.

use super::binary::{Decoder, Encoder, UintModel};
use super::rans::EncoderSymbol;
use crate::{Error, Result};

/// Frequencies are in units of 2⁻¹².
pub(crate) const PROB_BITS: u32 = 12;
/// Sum of the frequencies of one table.
pub(crate) const PROB_SCALE: u32 = 1 << PROB_BITS;

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

    /// The table nearest to `counts`, for tables that are written: what rounding down leaves over
    /// goes to the largest remainders. Of 256 symbols it is much.
    pub fn from_counts(counts: &[u64]) -> Self {
        let total: u128 = counts.iter().map(|&c| u128::from(c)).sum();
        let scaled = |c: u64| u128::from(c) * u128::from(PROB_SCALE);
        let mut freq: Vec<u64> = counts
            .iter()
            .map(|&c| ((scaled(c) / total) as u64).max(u64::from(c > 0)))
            .collect();
        let sum: u64 = freq.iter().sum();
        // Symbols rounded up to 1 have had theirs.
        let remainder = |s: usize| match scaled(counts[s]) {
            scaled if scaled < total => 0,
            scaled => scaled % total,
        };
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&s| std::cmp::Reverse(remainder(s)));
        for &s in order
            .iter()
            .take(u64::from(PROB_SCALE).saturating_sub(sum) as usize)
        {
            freq[s] += 1;
        }
        Self::from_weights(&freq)
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

    /// Encoding entries of all symbols; those of frequency 0 must not be used.
    pub fn encoder_symbols(&self) -> impl Iterator<Item = EncoderSymbol> + '_ {
        let entry = |(&f, &s): (&u16, &u16)| match f {
            0 => EncoderSymbol::default(),
            f => EncoderSymbol::new(f.into(), s.into()),
        };
        self.freq.iter().zip(&self.start).map(entry)
    }

    /// Bits that coding `symbol` costs; infinite where its frequency is 0.
    pub fn cost(&self, symbol: usize) -> f32 {
        match self.freq[symbol] {
            0 => f32::INFINITY,
            f => PROB_BITS as f32 - libm::log2f(f32::from(f)),
        }
    }

    /// Appends the [`PROB_SCALE`] decoding entries of this table.
    pub fn push_slots(&self, slots: &mut Vec<u32>) {
        for (symbol, (&f, &start)) in self.freq.iter().zip(&self.start).enumerate() {
            if f > 0 {
                for bias in 0..u32::from(f) {
                    slots.push(Slot::pack(symbol as u32, u32::from(f), bias));
                }
                debug_assert_eq!(
                    slots.len() as u32 % PROB_SCALE,
                    u32::from(start + f) % PROB_SCALE
                );
            }
        }
    }

    /// Writes the table: the bit length of each frequency adapts to its neighbour's.
    pub fn write(&self, enc: &mut Encoder, model: &mut TableModel) {
        let used = self.freq.iter().rposition(|&f| f > 0).map_or(0, |p| p + 1);
        model.len.encode(enc, used as u64);
        let mut left = PROB_SCALE;
        let mut prev = 0;
        for &f in &self.freq[..used] {
            model.freq[bucket(prev)].encode(enc, u64::from(f));
            prev = u32::from(f);
            left -= prev;
            if left == 0 {
                break;
            }
        }
    }

    /// Inverse of [`FreqTable::write`], for an alphabet of `symbols`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_become_tables_that_sum_and_survive_writing() {
        let mut many: Vec<u64> = vec![1; 256];
        many[77] = 1 << 47;
        for weights in [
            vec![1],
            vec![0, 5, 0],
            vec![3, 1 << 40, 1],
            many,
            vec![1; 256],
            (1..200).collect(),
        ] {
            for table in [
                FreqTable::from_weights(&weights),
                FreqTable::from_counts(&weights),
            ] {
                let sum: u32 = table.freq.iter().map(|&f| u32::from(f)).sum();
                assert_eq!(sum, PROB_SCALE);
                for (s, &w) in weights.iter().enumerate() {
                    assert_eq!(w > 0, table.freq[s] > 0);
                }
                let mut enc = Encoder::new();
                table.write(&mut enc, &mut TableModel::new());
                let bytes = enc.finish();
                let mut dec = Decoder::new(&bytes);
                let mut model = TableModel::new();
                let back = FreqTable::read(&mut dec, &mut model, weights.len()).unwrap();
                assert_eq!(back, table);
                dec.finish("table").unwrap();
            }
        }
    }
}
