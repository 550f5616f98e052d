//! Lossless recipes: every dtype, every way a byte plane is coded, every odd shape.

use half::{bf16, f16};
use hct_core::{Dtype, EncodedTensor, Result, TensorMeta};

use super::{Cases, meta, noise, weights};

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    every_dtype(cases)?;
    floats(cases)?;
    shapes(cases)?;
    two_tiles(cases)?;
    joint(cases)?;
    joint_numbers(cases)?;
    planes_of_every_dtype(cases)
}

fn coded(meta: TensorMeta, bytes: &[u8]) -> Result<(TensorMeta, EncodedTensor)> {
    let tensor = EncodedTensor::lossless(&meta, bytes)?;
    Ok((meta, tensor))
}

/// Bytes whose bits are all used, the higher ones of a 4-byte group less.
fn byte(i: usize) -> u8 {
    ((i as u32).wrapping_mul(2_654_435_761) >> (if i % 4 == 3 { 29 } else { 20 })) as u8
}

fn every_dtype(cases: &mut Cases) -> Result<()> {
    let tensors = Dtype::ALL.iter().map(|&dtype| {
        // 12 elements fill whole bytes in 4, 6 and 8 bits alike.
        let len = 12 * dtype.bits() / 8;
        let bytes: Vec<u8> = match dtype {
            Dtype::Bool => (0..len).map(|i| (i % 3 == 0).into()).collect(),
            _ => (0..len).map(byte).collect(),
        };
        coded(meta(dtype.name(), dtype, &[3, 4]), &bytes)
    });
    cases.tensors("lossless_dtypes", tensors.collect::<Result<_>>()?)
}

/// Planes raw, constant and coded; infinities and NaNs with payloads; zeros of both signs.
fn floats(cases: &mut Cases) -> Result<()> {
    let values = weights(37, 29);
    let halves: Vec<u8> = values
        .iter()
        .flat_map(|&w| f16::from_f32(w).to_le_bytes())
        .collect();
    let brains: Vec<u8> = values
        .iter()
        .flat_map(|&w| bf16::from_f32(w).to_le_bytes())
        .collect();
    let singles: Vec<u8> = values.iter().flat_map(|w| w.to_le_bytes()).collect();
    let doubles: Vec<u8> = values
        .iter()
        .flat_map(|&w| f64::from(w).to_le_bytes())
        .collect();
    let odd: Vec<u8> = [
        0u32,
        1 << 31,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0001,
        0xffab_cdef,
        0x7f80_0001,
        1,
        0x8000_0001,
        0x7f7f_ffff,
    ]
    .iter()
    .flat_map(|b| b.to_le_bytes())
    .collect();
    let random: Vec<u8> = (0..400).map(|i| (noise(i) * 1e6) as i32 as u8).collect();
    let tensors = vec![
        coded(meta("f16", Dtype::F16, &[37, 29]), &halves)?,
        coded(meta("bf16", Dtype::BF16, &[37, 29]), &brains)?,
        coded(meta("f32", Dtype::F32, &[37, 29]), &singles)?,
        coded(meta("f64", Dtype::F64, &[29, 37]), &doubles)?,
        coded(meta("not numbers", Dtype::F32, &[10]), &odd)?,
        coded(meta("random bits", Dtype::F32, &[100]), &random)?,
        coded(meta("constant", Dtype::U8, &[3, 50]), &[7; 150])?,
    ];
    cases.tensors("lossless_floats", tensors)
}

fn shapes(cases: &mut Cases) -> Result<()> {
    let tensors = vec![
        coded(meta("scalar", Dtype::BF16, &[]), &[0x80, 0x3f])?,
        coded(meta("one", Dtype::I32, &[1]), &[1, 2, 3, 4])?,
        coded(meta("empty", Dtype::F32, &[4, 0, 3]), &[])?,
        coded(meta("64 dimensions", Dtype::U8, &[1; 64]), &[9])?,
        coded(meta("", Dtype::I8, &[2]), &[1, 2])?,
        coded(meta("層.0.重み/ü \u{1f409}", Dtype::I8, &[2]), &[3, 4])?,
        coded(meta(&"long.".repeat(200), Dtype::I8, &[2]), &[5, 6])?,
    ];
    cases.tensors("lossless_shapes", tensors)
}

/// Longer than a tile of 2²¹ bytes, by 50 elements.
fn two_tiles(cases: &mut Cases) -> Result<()> {
    let n = (1 << 20) + 50;
    let bytes: Vec<u8> = (0..n)
        .flat_map(|i| u16::from(i % 4093 == 5).to_le_bytes())
        .collect();
    let tensor = coded(meta("w", Dtype::U16, &[n as u64 / 2, 2]), &bytes)?;
    cases.tensors("lossless_two_tiles", vec![tensor])
}

/// Long enough for joint numbers and for a wide stream.
fn joint(cases: &mut Cases) -> Result<()> {
    // A little more than 2¹⁵, and not a multiple of 8.
    let (rows, cols) = (181, 183);
    let values = weights(rows, cols);
    // Some of them are what has no symbol: zeros, subnormals, infinities, NaNs with payloads.
    let odd = [
        0u32,
        1 << 31,
        0x7f80_0000,
        0xff80_0000,
        0x7fc1_0001,
        0xffab_cdef,
        0x0001_0001,
        0x8043_0001,
    ];
    let bits = |i: usize, w: &f32| match i % 1009 {
        k if k < odd.len() => odd[k],
        _ => w.to_bits(),
    };
    let bits: Vec<u32> = values.iter().enumerate().map(|(i, w)| bits(i, w)).collect();
    let singles: Vec<u8> = bits.iter().flat_map(|b| b.to_le_bytes()).collect();
    let upper = |b: &u32| ((b >> 16) as u16).to_le_bytes();
    let brains: Vec<u8> = bits.iter().flat_map(upper).collect();
    // Few bytes for many symbols, but enough for a wide stream: nearly always 1.0.
    let n = (1 << 18) + 37;
    let ones = (0..n).map(|i| if noise(i) > 0.064 { -0.75 } else { 1.0 });
    let halves: Vec<u8> = ones.flat_map(|w| f16::from_f32(w).to_le_bytes()).collect();
    let shape = [rows as u64, cols as u64];
    let tensors = vec![
        coded(meta("bf16", Dtype::BF16, &shape), &brains)?,
        coded(meta("f32", Dtype::F32, &shape), &singles)?,
        coded(meta("wide", Dtype::F16, &[n as u64]), &halves)?,
    ];
    cases.tensors("lossless_joint", tensors)
}

/// Noise of one scale, which takes fewer bytes by joint numbers than by planes, with some that have no symbol.
fn joint_numbers(cases: &mut Cases) -> Result<()> {
    let n = (1 << 15) + 355;
    let values: Vec<u8> = (0..n)
        .flat_map(|i| bf16::from_f32(if i % 5003 == 7 { 1e30 } else { noise(i) }).to_le_bytes())
        .collect();
    let tensor = coded(meta("bf16", Dtype::BF16, &[n as u64]), &values)?;
    cases.tensors("lossless_joint_numbers", vec![tensor])?;
    // The first tile lies behind the header.
    let file = cases.0.last().map(|(_, file)| file[16]);
    assert_eq!(file, Some(2), "these are joint numbers");
    Ok(())
}

/// Byte planes that are coded, of all dtypes.
fn planes_of_every_dtype(cases: &mut Cases) -> Result<()> {
    let tensors = Dtype::ALL.iter().map(|&dtype| {
        // Of short elements as many as fill a plane that is worth it.
        let n: usize = if dtype.bits() < 8 { 1600 } else { 320 };
        let width = dtype.bits().div_ceil(8);
        let bytes: Vec<u8> = match dtype {
            Dtype::Bool => (0..n).map(|i| (noise(i) > 0.03).into()).collect(),
            Dtype::C64 => (0..2 * n)
                .flat_map(|i| bf16::from_f32(noise(i)).to_f32().to_le_bytes())
                .collect(),
            // Small numbers of either sign.
            _ => (0..n * dtype.bits() / 8 / width)
                .flat_map(|i| ((noise(i) * 300.0) as i64).to_le_bytes()[..width].to_vec())
                .collect(),
        };
        coded(meta(dtype.name(), dtype, &[8, n as u64 / 8]), &bytes)
    });
    cases.tensors("lossless_planes", tensors.collect::<Result<_>>()?)
}
