//! How GGUF stores weights: in blocks that share a scale.

use half::f16;

/// Weights of a quantised block.
const WEIGHTS: usize = 32;

/// A way to store weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// A plain number.
    F32,
    /// A scale and a least value, then 4 bits a weight: the first half in the low ones.
    Q4_1,
    /// A scale, then 8 bits a weight.
    Q8_0,
}

impl Block {
    /// The one that GGUF gives this number.
    pub fn of_type(kind: u32) -> Option<Block> {
        match kind {
            0 => Some(Self::F32),
            3 => Some(Self::Q4_1),
            8 => Some(Self::Q8_0),
            _ => None,
        }
    }

    /// Weights in a block.
    pub fn weights(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Q4_1 | Self::Q8_0 => WEIGHTS,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Q4_1 => 2 + 2 + WEIGHTS / 2,
            Self::Q8_0 => 2 + WEIGHTS,
        }
    }

    /// The weights of whole blocks.
    pub fn dequantise(self, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::with_capacity(bytes.len() / self.bytes() * self.weights());
        for block in bytes.chunks_exact(self.bytes()) {
            match self {
                Self::F32 => out.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
                Self::Q4_1 => {
                    let (scale, least) = (half_at(block, 0), half_at(block, 2));
                    let codes = &block[4..];
                    let low = codes.iter().map(|code| code & 15);
                    let high = codes.iter().map(|code| code >> 4);
                    out.extend(low.chain(high).map(|code| f32::from(code) * scale + least));
                }
                Self::Q8_0 => {
                    let scale = half_at(block, 0);
                    out.extend(block[2..].iter().map(|&code| f32::from(code as i8) * scale));
                }
            }
        }
        out
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q4_1_has_the_first_half_in_the_low_bits() {
        let mut block = [0u8; 20];
        block[..2].copy_from_slice(&f16::from_f32(0.5).to_le_bytes());
        block[2..4].copy_from_slice(&f16::from_f32(-3.0).to_le_bytes());
        block[4] = 0xf1;
        block[19] = 0x2a;
        let weights = Block::Q4_1.dequantise(&block);
        assert_eq!(weights.len(), 32);
        assert_eq!((weights[0], weights[16]), (-2.5, 4.5));
        assert_eq!((weights[15], weights[31]), (2.0, -2.0));
        assert_eq!(weights[1], -3.0);
    }
}
