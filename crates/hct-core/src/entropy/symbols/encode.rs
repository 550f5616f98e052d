//! The encoder.

use super::{LANES, WIDE_LANES};
use crate::entropy::freq::{EncoderSymbols, FreqTable};
use crate::entropy::rans::encode::RansEncoder;

/// Encodes `symbols`; `context(i)` names the table of symbol `i`.
pub(crate) fn encode(
    symbols: &[u8],
    tables: &[FreqTable],
    context: impl Fn(usize) -> usize,
) -> Vec<u8> {
    let coders: Vec<EncoderSymbols> = tables.iter().map(FreqTable::encoder_symbols).collect();
    let mut enc = RansEncoder::<LANES>::new(symbols.len());
    match &coders[..] {
        [only] => enc.put_all(symbols, |_, s| &only[usize::from(s)]),
        coders => enc.put_all(symbols, |i, s| &coders[context(i)][usize::from(s)]),
    }
    enc.finish()
}

/// Encodes `symbols` under one table as a wide stream, which is still to be finished.
pub(crate) fn encode_wide(symbols: &[u8], table: &FreqTable) -> RansEncoder<WIDE_LANES> {
    let coders = table.encoder_symbols();
    let mut enc = RansEncoder::<WIDE_LANES>::new(symbols.len());
    enc.put_indexed(symbols, &coders, |_, s| usize::from(s));
    enc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::symbols::decode;

    #[test]
    fn contexts_round_trip_near_their_entropy() {
        let n = 100_000u32;
        let symbols: Vec<u8> = (0..n)
            .scan(1u32, |s, _| {
                *s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Some((s.leading_zeros() as u8).min(7))
            })
            .collect();
        let context = |i: usize, before: &[u8]| usize::from(i > 0 && before[i - 1] == 0);
        let mut counts = [[0u64; 8]; 2];
        for (i, &s) in symbols.iter().enumerate() {
            counts[context(i, &symbols[..i])][usize::from(s)] += 1;
        }
        let tables: Vec<_> = counts.iter().map(|c| FreqTable::from_weights(c)).collect();
        let stream = encode(&symbols, &tables, |i| context(i, &symbols[..i]));
        let entropy: f64 = counts
            .iter()
            .flat_map(|c| {
                let total: u64 = c.iter().sum();
                c.iter()
                    .filter(|&&k| k > 0)
                    .map(move |&k| k as f64 * (total as f64 / k as f64).log2())
            })
            .sum();
        assert!((stream.len() * 8) as f64 <= entropy * 1.002 + 256.0);
        assert_eq!(
            decode(&stream, symbols.len(), &tables, context).unwrap(),
            symbols
        );
        assert!(decode(&stream[..stream.len() - 2], symbols.len(), &tables, context).is_err());
    }
}
