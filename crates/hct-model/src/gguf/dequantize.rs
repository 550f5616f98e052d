//! Weights of plain and block-quantized tensors as numbers, as ggml computes them.

use half::{bf16, f16};
use hct_core::{BlockType, Dtype};

use super::tensor_type::GgufType;

impl GgufType {
    /// The values of whole elements or blocks, in order; `None` for a type that is not known here.
    pub fn dequantize(self, bytes: &[u8]) -> Option<Vec<f32>> {
        let block: fn(&[u8], &mut Vec<f32>) = match self {
            GgufType::Plain(Dtype::F32) => |b, out| {
                out.extend(b.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)));
            },
            GgufType::Plain(Dtype::F16) => |b, out| out.push(half_at(b, 0)),
            GgufType::Plain(Dtype::BF16) => {
                |b, out| out.push(bf16::from_le_bytes([b[0], b[1]]).to_f32())
            }
            GgufType::Blocks(kind) => match kind {
                BlockType::Q4_0 => |b, out| {
                    let scale = half_at(b, 0);
                    let codes = nibbles(&b[2..]);
                    out.extend(codes.map(|q| (f32::from(q) - 8.0) * scale));
                },
                BlockType::Q4_1 => |b, out| {
                    let (scale, least) = (half_at(b, 0), half_at(b, 2));
                    out.extend(nibbles(&b[4..]).map(|q| f32::from(q) * scale + least));
                },
                BlockType::Q5_0 => |b, out| {
                    let scale = half_at(b, 0);
                    let codes = with_fifth_bits(&b[6..], &b[2..6]);
                    out.extend(codes.map(|q| (f32::from(q) - 16.0) * scale));
                },
                BlockType::Q5_1 => |b, out| {
                    let (scale, least) = (half_at(b, 0), half_at(b, 2));
                    let codes = with_fifth_bits(&b[8..], &b[4..8]);
                    out.extend(codes.map(|q| f32::from(q) * scale + least));
                },
                BlockType::Q8_0 => |b, out| {
                    let scale = half_at(b, 0);
                    out.extend(b[2..].iter().map(|&q| f32::from(q as i8) * scale));
                },
                BlockType::Q4K => |b, out| {
                    for (group, codes) in b[16..].chunks_exact(32).enumerate() {
                        let (scale, least) = scale_of_32(b, 2 * group);
                        out.extend(codes.iter().map(|&q| scale * f32::from(q & 15) - least));
                        let (scale, least) = scale_of_32(b, 2 * group + 1);
                        out.extend(codes.iter().map(|&q| scale * f32::from(q >> 4) - least));
                    }
                },
                BlockType::Q5K => |b, out| {
                    let high = &b[16..48];
                    for (group, codes) in b[48..].chunks_exact(32).enumerate() {
                        for half in 0..2 {
                            let part = 2 * group + half;
                            let (scale, least) = scale_of_32(b, part);
                            let fifth = high.iter().map(|&h| (h >> part & 1) << 4);
                            let low = codes.iter().map(|&q| q >> (4 * half) & 15);
                            let codes = low.zip(fifth).map(|(low, high)| low | high);
                            out.extend(codes.map(|q| scale * f32::from(q) - least));
                        }
                    }
                },
                BlockType::Q6K => |b, out| {
                    let (low, high, scales) = (&b[..128], &b[128..192], &b[192..208]);
                    let scale = half_at(b, 208);
                    for i in 0..256 {
                        let (half, quarter, l) = (i / 128, i % 128 / 32, i % 32);
                        let low = low[64 * half + 32 * (quarter % 2) + l] >> (4 * (quarter / 2));
                        let high = high[32 * half + l] >> (2 * quarter);
                        let code = f32::from(low & 15 | (high & 3) << 4) - 32.0;
                        out.push(scale * f32::from(scales[i / 16] as i8) * code);
                    }
                },
                _ => return None,
            },
            GgufType::Plain(_) => return None,
        };
        let size = self.block_bytes();
        let mut out = Vec::with_capacity(bytes.len() / size * self.block_elements());
        bytes.chunks_exact(size).for_each(|b| block(b, &mut out));
        Some(out)
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Codes of 4 bits, of which the first half is in the low ones.
fn nibbles(codes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let low = codes.iter().map(|code| code & 15);
    low.chain(codes.iter().map(|code| code >> 4))
}

/// The same with a fifth bit each, the lowest first.
fn with_fifth_bits<'a>(codes: &'a [u8], high: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
    let high = (0..32).map(|i| (high[i / 8] >> (i % 8) & 1) << 4);
    nibbles(codes).zip(high).map(|(low, high)| low | high)
}

/// Scale and least value (negated) of part `part` of eight of a block of Q4_K or Q5_K.
fn scale_of_32(block: &[u8], part: usize) -> (f32, f32) {
    let packed = &block[4..16];
    let (scale, least) = match part {
        0..4 => (packed[part] & 63, packed[part + 4] & 63),
        _ => (
            packed[part + 4] & 15 | packed[part - 4] >> 6 << 4,
            packed[part + 4] >> 4 | packed[part] >> 6 << 4,
        ),
    };
    let factor = |at: usize, code: u8| half_at(block, at) * f32::from(code);
    (factor(0, scale), factor(2, least))
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
        let weights = GgufType::Blocks(BlockType::Q4_1).dequantize(&block);
        let weights = weights.unwrap();
        assert_eq!(weights.len(), 32);
        assert_eq!((weights[0], weights[16]), (-2.5, 4.5));
        assert_eq!((weights[15], weights[31]), (2.0, -2.0));
        assert_eq!(weights[1], -3.0);
    }

    #[test]
    fn every_known_type_gives_a_value_for_each_weight() {
        for &kind in BlockType::ALL {
            let blocks = GgufType::Blocks(kind);
            if let Some(values) = blocks.dequantize(&vec![0x3c; 3 * kind.bytes()]) {
                assert_eq!(values.len(), 3 * kind.weights(), "{kind}");
            }
        }
    }
}
