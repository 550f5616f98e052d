//! The lossless recipe: every bit of every dtype, and few of them for float weights.

mod common;

use common::{Kind, Rng, bytes_of, file_of, meta};
use hct_core::{Dtype, EncodedTensor, HctReader};

/// Codes, writes, reads; returns the bytes of payload.
fn round_trip(dtype: Dtype, shape: &[u64], bytes: &[u8]) -> usize {
    let meta = meta("t", dtype, shape);
    let coded = EncodedTensor::lossless(&meta, bytes).unwrap();
    let size = coded.payload_bytes();
    let file = file_of(meta.clone(), coded);
    let reader = HctReader::open(&file).unwrap();
    let record = &reader.index().tensors[0];
    assert_eq!((record.dtype, &record.shape), (dtype, &meta.shape));
    assert!(reader.decode(0).unwrap() == bytes, "{dtype} {shape:?}");
    let sections = reader.sections(0).unwrap().bytes;
    assert_eq!(sections.iter().sum::<u64>(), record.stored_bytes());
    size
}

#[test]
fn every_dtype_and_shape_is_bit_exact() {
    let mut rng = Rng(11);
    let shapes: [&[u64]; 9] = [
        &[],
        &[0],
        &[4, 0, 3],
        &[1, 1],
        &[8],
        &[1, 24],
        &[24, 1],
        &[7, 1, 3, 8],
        &[50, 120],
    ];
    for &dtype in Dtype::ALL {
        for shape in shapes {
            let Some(len) = dtype.byte_len(shape.iter().product()) else {
                continue;
            };
            let noise: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
            let size = round_trip(dtype, shape, &noise);
            // Noise costs no more than a mode byte per tile.
            assert!(size <= noise.len() + 1);
            round_trip(dtype, shape, &vec![0x5a; len as usize]);
        }
    }
}

#[test]
fn matrices_of_negative_zeros_come_back() {
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
        let width = dtype.bits() / 8;
        let mut element = vec![0; width];
        element[width - 1] = 0x80;
        assert!(round_trip(dtype, &[64, 96], &element.repeat(64 * 96)) < 30);
    }
}

#[test]
fn nan_payloads_infinities_and_signed_zeros_come_back() {
    let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    for dtype in [Dtype::F16, Dtype::BF16] {
        round_trip(dtype, &[256, 256], &halves);
    }
    let mut words: Vec<u32> = Kind::Gaussian
        .values(64, 64, 3)
        .iter()
        .map(|v| v.to_bits())
        .collect();
    for (i, special) in [
        0x7fc0_0001,
        0xffff_ffff,
        0x7f80_0001,
        0x7f80_0000,
        0x8000_0000,
        1,
    ]
    .into_iter()
    .enumerate()
    {
        words[97 * i] = special;
    }
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    round_trip(Dtype::F32, &[64, 64], &bytes);
    let doubles: Vec<u8> = words
        .iter()
        .flat_map(|&w| (0x7ff0_0000_0000_0000 | u64::from(w)).to_le_bytes())
        .collect();
    round_trip(Dtype::F64, &[64, 64], &doubles);
}

#[test]
fn tensors_of_several_tiles_are_bit_exact() {
    let mut rng = Rng(4);
    // 5 MB, the last tile a short one.
    let bytes: Vec<u8> = (0..2_500_001)
        .flat_map(|i| [rng.next() as u8, (i >> 18) as u8])
        .collect();
    let size = round_trip(Dtype::BF16, &[2_500_001], &bytes);
    assert!(size < bytes.len() * 3 / 4);
    round_trip(Dtype::U8, &[5_000_002], &bytes);
}

/// Bits per element of the best code for independent bytes: the entropy of each byte plane of
/// elements rotated left by one bit.
fn plane_entropy(bytes: &[u8]) -> f64 {
    let mut counts = [[0f64; 256]; 2];
    for pair in bytes.chunks_exact(2) {
        let v = u16::from_le_bytes([pair[0], pair[1]]).rotate_left(1);
        counts[0][usize::from(v as u8)] += 1.0;
        counts[1][usize::from((v >> 8) as u8)] += 1.0;
    }
    let n = bytes.len() as f64 / 2.0;
    let used = counts.iter().flatten().filter(|&&c| c > 0.0);
    used.map(|c| c / n * (n / c).log2()).sum()
}

#[test]
fn half_precision_weights_cost_their_exponents_entropy() {
    let values: Vec<f32> = Kind::Gaussian
        .values(1024, 1024, 8)
        .iter()
        .map(|v| 0.02 * v)
        .collect();
    for (dtype, most) in [(Dtype::BF16, 10.9), (Dtype::F16, 13.7)] {
        let bytes = bytes_of(&values, dtype);
        let size = round_trip(dtype, &[1024, 1024], &bytes);
        let bits = 8.0 * size as f64 / values.len() as f64;
        assert!(bits <= most, "{dtype}: {bits}");
        let entropy = plane_entropy(&bytes);
        assert!(bits <= entropy + 0.01, "{dtype}: {bits}, entropy {entropy}");
    }
}

#[test]
fn bytes_that_are_not_the_tensor_are_refused() {
    for (dtype, shape, len) in [
        (Dtype::F32, &[2u64, 3][..], 23),
        (Dtype::F4, &[3], 1),
        (Dtype::U8, &[u64::MAX, 2], 4),
    ] {
        assert!(EncodedTensor::lossless(&meta("t", dtype, shape), &vec![0; len]).is_err());
    }
}
