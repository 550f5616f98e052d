//! Exclusive or with the base, then zstd: what others do for lossless storage of fine-tunes.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};
use hct_model::{TensorInfo, TensorSource};
use zstd::stream::{read, write};

use super::super::{Contestant, Label};
use super::{CodedPair, DecodedPair, InMemory};
use crate::pair::Pair;

const LEVEL: i32 = 9;

/// The bytes of every tensor combined with those of the base's tensor of the same name and form by
/// exclusive or, or as they are where there is none, all in one stream of zstd. As ZipLLM's BitX
/// (Wang et al. 2025) does, and with the bytes of elements apart as it also does.
pub struct XorZstd {
    /// The first bytes of all elements of a tensor come before all second ones, and so on.
    pub split: bool,
}

impl Contestant<Pair> for XorZstd {
    fn label(&self) -> Label {
        let split = if self.split { "byte-split " } else { "" };
        Label::of(&format!("{split}XOR + zstd −{LEVEL}"))
    }

    fn encode(&self, pair: &Pair) -> Result<CodedPair> {
        let source = &pair.model.checkpoint;
        let mut stream = write::Encoder::new(Vec::new(), LEVEL).context("zstd")?;
        for (i, info) in source.tensors().iter().enumerate() {
            let mut bytes = source.read(i)?.into_owned();
            combine(&mut bytes, info, pair)?;
            if self.split {
                bytes = split(&bytes, width(info));
            }
            stream.write_all(&bytes).context("zstd")?;
        }
        Ok(CodedPair::Stream(stream.finish().context("zstd")?))
    }

    fn decode(&self, coded: &CodedPair, pair: &Pair) -> Result<DecodedPair> {
        let CodedPair::Stream(stream) = coded else {
            bail!("a file of another contestant");
        };
        let mut stream = read::Decoder::new(&stream[..]).context("zstd")?;
        let tensors = pair.model.checkpoint.tensors().to_vec();
        let mut all = Vec::with_capacity(tensors.len());
        for info in &tensors {
            let len = usize::try_from(info.byte_len()).context("a huge tensor")?;
            let mut bytes = vec![0; len];
            stream.read_exact(&mut bytes).context("zstd")?;
            if self.split {
                bytes = join(&bytes, width(info));
            }
            combine(&mut bytes, info, pair)?;
            all.push(bytes);
        }
        Ok(DecodedPair::Memory(InMemory {
            tensors,
            bytes: all,
        }))
    }
}

/// Exclusive or with the base's tensor of the same name and form, if there is one.
fn combine(bytes: &mut [u8], info: &TensorInfo, pair: &Pair) -> Result<()> {
    let of_base = pair.original.tensors();
    if let Some(i) = of_base.iter().position(|base| base == info) {
        let base = pair.original.read(i)?;
        bytes.iter_mut().zip(&*base).for_each(|(a, b)| *a ^= b);
    }
    Ok(())
}

/// Bytes of an element.
fn width(info: &TensorInfo) -> usize {
    (info.dtype.bits() / 8).max(1)
}

fn split(bytes: &[u8], width: usize) -> Vec<u8> {
    let places = (0..width).flat_map(|place| bytes.iter().skip(place).step_by(width));
    places.copied().collect()
}

fn join(planes: &[u8], width: usize) -> Vec<u8> {
    let elements = planes.len() / width;
    let places = (0..planes.len()).map(|i| planes[i % width * elements + i / width]);
    places.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_is_joined() {
        let bytes: Vec<u8> = (0..24).collect();
        for width in [1, 2, 4, 8] {
            let planes = split(&bytes, width);
            assert_eq!(planes[..2], [0, width as u8]);
            assert_eq!(join(&planes, width), bytes);
        }
    }
}
