//! The rdo strategy reaches its target on every kind of tensor, as a reader of the file sees it.

mod support;

use hct_core::{Dtype, TensorMeta};
use hct_strategies::{Effort, LosslessEncoder, Quality, RdoEncoder, Strategy, UniformEncoder};
use support::common::{Kind, bytes_of, meta};
use support::{Trip, cosine, rel_mse};

/// Encodes, writes, reads; returns the label, the bits per weight, the original and the decoded.
fn rdo(encoder: RdoEncoder, meta: &TensorMeta, bytes: &[u8]) -> (String, f64, Vec<f32>, Vec<f32>) {
    let trip = Trip::of(&encoder, meta, bytes);
    let bits = trip.bits_per_weight();
    (trip.label, bits, trip.original, trip.decoded)
}

const SHAPES: [&[u64]; 8] = [
    &[96, 128],
    &[64, 64],
    &[2, 2049],
    &[4099, 2],
    &[61, 71],
    &[16, 12, 5, 5],
    &[1, 77, 64],
    &[3, 40, 1, 41],
];

fn tensor(kind: Kind, shape: &[u64], dtype: Dtype) -> (TensorMeta, Vec<u8>) {
    support::tensor("layer.weight", kind, shape, dtype)
}

#[test]
fn targets_are_reached_on_every_kind_and_shape() {
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        for (k, shape) in SHAPES.into_iter().enumerate() {
            let dtype = [Dtype::BF16, Dtype::F16, Dtype::F32][(i + k) % 3];
            let (meta, bytes) = tensor(kind, shape, dtype);
            for effort in [Effort::Fast, Effort::Default] {
                let target = [0.991, 0.95, 0.9995][(i + k) % 3];
                let encoder = RdoEncoder::new(Quality::Cosine(target)).effort(effort);
                let (label, _, a, b) = rdo(encoder, &meta, &bytes);
                let reached = cosine(&a, &b);
                assert!(
                    reached >= target - 1e-9,
                    "{kind:?} {shape:?} {dtype}: {reached} ({label})"
                );
                let target = [1e-2, 1e-3, 0.1][(i + k) % 3];
                let encoder = RdoEncoder::new(Quality::RelMse(target)).effort(effort);
                let (label, _, a, b) = rdo(encoder, &meta, &bytes);
                let reached = rel_mse(&a, &b);
                assert!(
                    reached <= target * (1.0 + 1e-9),
                    "{kind:?} {shape:?} {dtype}: {reached} ({label})"
                );
            }
        }
    }
}

#[test]
fn targets_are_not_overshot() {
    for kind in [
        Kind::Gaussian,
        Kind::HeavyTails,
        Kind::LowRank,
        Kind::LoudRows,
        Kind::Smooth,
    ] {
        let (meta, bytes) = tensor(kind, &[256, 192], Dtype::BF16);
        for target in [0.03, 0.018, 0.003] {
            let (label, _, a, b) = rdo(RdoEncoder::new(Quality::RelMse(target)), &meta, &bytes);
            let reached = rel_mse(&a, &b);
            // 1 % of distortion is 0.007 bit.
            assert!(
                reached >= 0.985 * target,
                "{kind:?}: {reached} for {target} ({label})"
            );
        }
    }
}

#[test]
fn what_costs_nothing_costs_next_to_nothing() {
    for kind in [Kind::Zeros, Kind::SignedZeros, Kind::Constant] {
        for dtype in [Dtype::BF16, Dtype::F32] {
            let (meta, bytes) = tensor(kind, &[512, 256], dtype);
            let (label, bits, a, b) = rdo(RdoEncoder::new(Quality::Cosine(0.991)), &meta, &bytes);
            let most = if kind == Kind::SignedZeros {
                1.02
            } else {
                0.02
            };
            assert!(bits < most, "{kind:?} {dtype}: {bits} ({label})");
            assert!(cosine(&a, &b) >= 0.991);
        }
    }
    // One outlier that holds all the energy: a handful of bytes.
    let (meta, bytes) = tensor(Kind::HugeOutlier, &[512, 256], Dtype::F32);
    let (label, bits, _, _) = rdo(RdoEncoder::new(Quality::Cosine(0.991)), &meta, &bytes);
    assert!(bits < 0.05, "{bits} ({label})");
}

#[test]
fn the_sign_of_a_zero_is_lost_with_loss_only() {
    let meta = meta("t", Dtype::F32, &[64, 96]);
    let bytes: Vec<u8> = (-0f32).to_le_bytes().repeat(64 * 96);
    let lossless = Trip::of(&LosslessEncoder, &meta, &bytes);
    assert!(
        lossless
            .decoded
            .iter()
            .all(|x| x.to_bits() == (-0f32).to_bits())
    );
    // docs/FORMAT.md, §14: equal as numbers, and no more is promised.
    for strategy in [
        &RdoEncoder::new(Quality::Cosine(0.99)) as &dyn Strategy,
        &UniformEncoder::new(0.98),
    ] {
        let trip = Trip::of(strategy, &meta, &bytes);
        assert!(trip.decoded.iter().all(|&x| x == 0.0), "{}", trip.label);
    }
}

#[test]
fn impossible_targets_fall_back_to_lossless_and_say_so() {
    let (meta, bytes) = tensor(Kind::Gaussian, &[64, 80], Dtype::BF16);
    for quality in [
        Quality::Cosine(1.0),
        Quality::RelMse(0.0),
        Quality::RelMse(1e-30),
    ] {
        let (label, _, a, b) = rdo(RdoEncoder::new(quality), &meta, &bytes);
        assert!(label.contains("lossless"), "{label}");
        assert!(a == b);
    }
}

#[test]
fn embeddings_keep_their_median_row() {
    let (rows, cols) = (600, 96);
    for kind in [
        Kind::Gaussian,
        Kind::Means,
        Kind::LoudRows,
        Kind::Smooth,
        Kind::HeavyTails,
    ] {
        for (scale, dtype) in [(0.02, Dtype::BF16), (1.0, Dtype::F16)] {
            // Shouting rows make the tensor's own cosine blind to the others.
            let values: Vec<f32> = kind
                .values(rows, cols, 2)
                .iter()
                .enumerate()
                .map(|(i, v)| scale * v * if i / cols < 20 { 12.0 } else { 1.0 })
                .collect();
            let meta = meta(
                "model.embed_tokens.weight",
                dtype,
                &[rows as u64, cols as u64],
            );
            let encoder = RdoEncoder::new(Quality::Cosine(0.991));
            let trip = Trip::of(&encoder, &meta, &bytes_of(&values, dtype));
            let (label, bits) = (&trip.label, trip.bits_per_weight());
            assert!(trip.cosine() >= 0.991, "{kind:?} ({label})");
            let median = trip.row_cosines(cols)[rows / 2];
            assert!(
                median >= 0.991 - 1e-6,
                "{kind:?} {dtype}: {median} at {bits} bits ({label})"
            );
        }
    }
}

#[test]
fn more_effort_takes_fewer_bits() {
    for kind in [
        Kind::Gaussian,
        Kind::HeavyTails,
        Kind::LowRank,
        Kind::LoudRows,
        Kind::Smooth,
        Kind::Means,
    ] {
        let (meta, bytes) = tensor(kind, &[384, 256], Dtype::F32);
        let bits = [Effort::Fast, Effort::Default, Effort::Max].map(|effort| {
            let encoder = RdoEncoder::new(Quality::RelMse(0.01)).effort(effort);
            rdo(encoder, &meta, &bytes).1
        });
        let [fast, default, max] = bits;
        // Below a quarter of a bit, efforts only have to be alike.
        let (gain, more) = if fast < 0.25 {
            (-0.01, -0.01)
        } else {
            (0.05, 0.01)
        };
        assert!(default < fast - gain, "{kind:?}: {bits:?}");
        assert!(max < default - more, "{kind:?}: {bits:?}");
    }
}

#[test]
fn coarse_targets_of_embeddings_are_no_reason_to_go_lossless() {
    let (rows, cols) = (3000, 96);
    let mut rng = support::common::Rng(3);
    let values: Vec<f32> = (0..rows * cols)
        .map(|i| rng.normal() as f32 * [0.02, 0.05][i / cols % 2])
        .collect();
    let shape = [rows as u64, cols as u64];
    let meta = meta("model.embed_tokens.weight", Dtype::F16, &shape);
    for target in [0.2, 0.3, 0.5, 0.7] {
        let encoder = RdoEncoder::new(Quality::Cosine(target));
        let trip = Trip::of(&encoder, &meta, &bytes_of(&values, Dtype::F16));
        let (label, bits) = (&trip.label, trip.bits_per_weight());
        assert!(bits < 1.0, "{target}: {bits} ({label})");
        assert!(trip.cosine() >= target && trip.row_cosines(cols)[rows / 2] >= target - 1e-6);
    }
}
