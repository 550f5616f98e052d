//! The types of tensors in GGUF files.

use std::fmt;

use hct_core::{BlockType, Dtype};

/// How the elements of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GgufType {
    /// As numbers.
    Plain(Dtype),
    /// As blocks of quantized weights.
    Blocks(BlockType),
}

/// Codes of plain types.
const PLAIN: [(u32, Dtype); 8] = [
    (0, Dtype::F32),
    (1, Dtype::F16),
    (24, Dtype::I8),
    (25, Dtype::I16),
    (26, Dtype::I32),
    (27, Dtype::I64),
    (28, Dtype::F64),
    (30, Dtype::BF16),
];

impl GgufType {
    /// The type that files give this number, if there is one.
    pub fn from_code(code: u32) -> Option<GgufType> {
        let plain = PLAIN.iter().find(|(c, _)| *c == code);
        let blocks = || u8::try_from(code).ok().and_then(BlockType::from_code);
        match plain {
            Some(&(_, dtype)) => Some(GgufType::Plain(dtype)),
            None => blocks().map(GgufType::Blocks),
        }
    }

    /// The number that files give it; `None` for numbers that GGUF does not have.
    pub fn code(self) -> Option<u32> {
        match self {
            GgufType::Plain(dtype) => PLAIN.iter().find(|(_, d)| *d == dtype).map(|(c, _)| *c),
            GgufType::Blocks(kind) => Some(kind.code().into()),
        }
    }

    /// Elements of a block; 1 of a plain type.
    pub fn block_elements(self) -> usize {
        match self {
            GgufType::Plain(_) => 1,
            GgufType::Blocks(kind) => kind.weights(),
        }
    }

    /// Bytes of a block, or of an element of a plain type.
    pub fn block_bytes(self) -> usize {
        match self {
            GgufType::Plain(dtype) => dtype.bits() / 8,
            GgufType::Blocks(kind) => kind.bytes(),
        }
    }
}

impl fmt::Display for GgufType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GgufType::Plain(dtype) => dtype.fmt(f),
            GgufType::Blocks(kind) => kind.fmt(f),
        }
    }
}
