//! Choosing and writing tables, and what symbols cost under them.

use super::{FreqTable, TableModel, bucket};
use crate::entropy::binary::Encoder;
use crate::entropy::rans::encode::EncoderSymbol;
use crate::entropy::rans::{PROB_BITS, PROB_SCALE};

/// Encoding entries by symbol. An array, so that a byte needs no bounds check.
pub(crate) type EncoderSymbols = [EncoderSymbol; 256];

impl FreqTable {
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

    /// Encoding entries of all symbols; those of frequency 0, or past the alphabet, must not be used.
    pub fn encoder_symbols(&self) -> EncoderSymbols {
        let mut symbols = [EncoderSymbol::default(); 256];
        let table = self.freq.iter().zip(&self.start).zip(&mut symbols);
        for ((&f, &s), symbol) in table.filter(|((f, _), _)| **f > 0) {
            *symbol = EncoderSymbol::new(f.into(), s.into());
        }
        symbols
    }

    /// Bits that coding `symbol` costs; infinite where its frequency is 0.
    pub fn cost(&self, symbol: usize) -> f32 {
        match self.freq[symbol] {
            0 => f32::INFINITY,
            f => PROB_BITS as f32 - libm::log2f(f32::from(f)),
        }
    }

    /// Bytes that symbols take which occur `counts` times, about.
    pub fn estimate(&self, counts: &[u64]) -> usize {
        let used = counts.iter().enumerate().filter(|&(_, &k)| k > 0);
        let bits: f64 = used.map(|(s, &k)| k as f64 * f64::from(self.cost(s))).sum();
        (bits / 8.0) as usize
    }

    /// Inverse of [`FreqTable::read`].
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::binary::Decoder;

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
