//! Block-quantized weights: every type, in fields and raw, in contexts, in two tiles.

use hct_core::{BlockType, Dtype, EncodedTensor, Result, TensorMeta};

use super::{Cases, meta};

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    let all = |blocks: usize, mask: u32| {
        let tensors = BlockType::ALL.iter().map(move |&kind| {
            let bytes = (0..blocks * kind.bytes()).map(|i| byte(i, mask)).collect();
            coded(kind, blocks, bytes)
        });
        tensors.collect::<Result<Vec<_>>>()
    };
    cases.tensors("blocks_raw", all(2, 0)?)?;
    cases.tensors("blocks_fields", all(24, u32::MAX)?)?;
    let contexts = [
        BlockType::Q4_1,
        BlockType::Q2K,
        BlockType::Q4K,
        BlockType::Q5K,
    ];
    let contexts = contexts.map(|kind| {
        let blocks = 8192 / kind.weights() + 100;
        let mut bytes: Vec<u8> = (0..blocks * kind.bytes()).map(|i| byte(i, !0)).collect();
        for (i, block) in bytes.chunks_exact_mut(kind.bytes()).enumerate() {
            let at = if kind == BlockType::Q2K { 80 } else { 0 };
            // A scale that goes up and down, a least weight of 0 to 16 times that.
            let scale = 0x2c00 + (i * 37 % 256) as u16;
            let least = 0x2c00 + (i * 911 % 5120) as u16;
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
            block[at + 2..at + 4].copy_from_slice(&least.to_le_bytes());
        }
        coded(kind, blocks, bytes)
    });
    let contexts = contexts.into_iter().collect::<Result<Vec<_>>>()?;
    cases.tensors("blocks_contexts", contexts)?;
    let (kind, blocks) = (BlockType::Q8_0, (1 << 20) / 34 + 3);
    let mut bytes = vec![0; blocks * kind.bytes()];
    bytes[77] = 5;
    bytes[(1 << 20) + 40] = 0xfb;
    cases.tensors("blocks_two_tiles", vec![coded(kind, blocks, bytes)?])
}

fn coded(kind: BlockType, blocks: usize, bytes: Vec<u8>) -> Result<(TensorMeta, EncodedTensor)> {
    let meta = meta(
        kind.name(),
        Dtype::U8,
        &[blocks as u64, kind.bytes() as u64],
    );
    let tensor = EncodedTensor::blocks(&meta, &bytes, kind)?;
    Ok((meta, tensor))
}

/// Bytes whose bits under the mask are mostly 0.
fn byte(i: usize, mask: u32) -> u8 {
    let hash = |salt: u32| {
        let mut s = (i as u32 ^ salt).wrapping_mul(2_654_435_761);
        s ^= s >> 15;
        s.wrapping_mul(2_246_822_519) >> 13
    };
    let few = hash(0) & (hash(0x5bd1) & hash(0x9e37) | !mask);
    few as u8
}
