//! Integers as entropy coders code them.

use super::Subject;
use crate::symbols::Symbols;

/// Coded symbols.
pub struct CodedSymbols {
    /// What the decoder gets.
    pub bytes: Vec<u8>,
    /// Bytes that count for the rate.
    pub counted: usize,
}

impl Subject for Symbols {
    type Coded<'s> = CodedSymbols;
    type Decoded<'c> = Vec<i32>;
}

impl CodedSymbols {
    /// All of `bytes` count.
    pub fn all(bytes: Vec<u8>) -> Self {
        let counted = bytes.len();
        Self { bytes, counted }
    }
}
