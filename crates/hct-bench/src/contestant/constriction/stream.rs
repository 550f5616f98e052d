//! What both coders share: streams of words, and tables that the user has to send.

use crate::contestant::coded_symbols::CodedSymbols;
use crate::symbols::Symbols;

/// Bytes to send a table of so many symbols with, at 16 or 24 bits each.
pub fn table_bytes(symbols: &Symbols, bits: usize) -> usize {
    symbols.alphabet() * bits / 8
}

/// How probable each symbol is.
pub fn probabilities(symbols: &Symbols) -> Vec<f64> {
    let n = symbols.values.len() as f64;
    symbols.counts().iter().map(|&c| c as f64 / n).collect()
}

/// The words of a stream, whose table counts for the rate.
pub fn words(words: Vec<u32>, table: usize) -> CodedSymbols {
    let mut coded = CodedSymbols::all(words.into_iter().flat_map(u32::to_le_bytes).collect());
    coded.counted += table;
    coded
}

/// The words of a stream again.
pub fn from_words(bytes: &[u8]) -> Vec<u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|&w| u32::from_le_bytes(w)).collect()
}
