//! The bytes of elements apart, then zstd: what many do for lossless weights.

use anyhow::{Context, Result, ensure};
use hct_core::Dtype;

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

const LEVEL: i32 = 3;

/// Elements rotated by one bit, so that the exponent fills the top byte; the lowest bytes of all
/// elements before all second ones, and so on; each such plane by zstd.
pub struct ByteSplit;

impl Contestant<Weights> for ByteSplit {
    fn label(&self) -> Label {
        Label::of(&format!("byte-split + zstd −{LEVEL}"))
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let mut out = Vec::new();
        for plane in split(weights.bytes(), weights.dtype()) {
            let packed = zstd::bulk::compress(&plane, LEVEL).context("zstd")?;
            out.extend(u32::try_from(packed.len())?.to_le_bytes());
            out.extend(packed);
        }
        Ok(CodedWeights::Bytes(out))
    }

    fn decode(&self, coded: &CodedWeights, weights: &Weights) -> Result<Decoded> {
        let mut rest = coded.bytes()?.as_slice();
        let mut planes = Vec::new();
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            let len = u32::from_le_bytes(*len) as usize;
            ensure!(len <= after.len(), "a plane is cut off");
            let (packed, after) = after.split_at(len);
            let elements = weights.values().len();
            planes.push(zstd::bulk::decompress(packed, elements).context("zstd")?);
            rest = after;
        }
        Ok(Decoded::Bytes(join(&planes, weights.dtype())?))
    }
}

fn split(bytes: &[u8], dtype: Dtype) -> Vec<Vec<u8>> {
    // One pass a plane, so that the compiler makes vector instructions of it.
    match dtype {
        Dtype::F32 => {
            let words = bytes.as_chunks::<4>().0;
            let word = |w: &[u8; 4]| u32::from_le_bytes(*w).rotate_left(1);
            let plane = |i: u32| words.iter().map(|w| (word(w) >> (8 * i)) as u8).collect();
            (0..4).map(plane).collect()
        }
        _ => {
            let words = bytes.as_chunks::<2>().0;
            let word = |w: &[u8; 2]| u16::from_le_bytes(*w).rotate_left(1);
            let plane = |i: u32| words.iter().map(|w| (word(w) >> (8 * i)) as u8).collect();
            (0..2).map(plane).collect()
        }
    }
}

fn join(planes: &[Vec<u8>], dtype: Dtype) -> Result<Vec<u8>> {
    match (dtype, planes) {
        (Dtype::F32, [a, b, c, d]) => {
            let mut out = vec![0; 4 * a.len()];
            let words = out.as_chunks_mut::<4>().0.iter_mut();
            for ((((word, a), b), c), d) in words.zip(a).zip(b).zip(c).zip(d) {
                *word = u32::from_le_bytes([*a, *b, *c, *d])
                    .rotate_right(1)
                    .to_le_bytes();
            }
            Ok(out)
        }
        (_, [low, high]) => {
            let mut out = vec![0; 2 * low.len()];
            let words = out.as_chunks_mut::<2>().0.iter_mut();
            for ((word, low), high) in words.zip(low).zip(high) {
                *word = u16::from_le_bytes([*low, *high])
                    .rotate_right(1)
                    .to_le_bytes();
            }
            Ok(out)
        }
        _ => anyhow::bail!("{} planes of {}", planes.len(), dtype.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_is_joined() {
        for dtype in [Dtype::BF16, Dtype::F16, Dtype::F32] {
            let weights = Weights::gaussian(4, 256, dtype).unwrap();
            let planes = split(weights.bytes(), dtype);
            assert_eq!(join(&planes, dtype).unwrap(), weights.bytes());
            assert!(join(&planes[1..], dtype).is_err());
        }
    }

    #[test]
    fn the_exponent_is_the_last_plane() {
        let one = 1f32.to_le_bytes();
        assert_eq!(split(&one, Dtype::F32)[3], [127]);
        assert_eq!(split(&one[2..], Dtype::BF16)[1], [127]);
    }
}
