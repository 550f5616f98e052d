//! What holds for every strategy under every preset: any tensor comes back, in its shape and near
//! its values, and the first fragments approximate it better and better.

mod support;

use hct_core::{Dtype, HctReader};
use hct_strategies::Preset;
use support::common::Kind;
use support::{Trip, rel_mse, strategies, tensor};

const NAME: &str = "layers.4.mlp.up_proj.weight";
const SHAPES: [&[u64]; 7] = [
    &[96, 128],
    &[2, 2049],
    &[4099, 2],
    &[61, 71],
    &[16, 12, 5, 5],
    &[1, 77, 64],
    &[5000, 1, 1],
];

#[test]
fn any_tensor_comes_back() {
    for (i, kind) in Kind::ALL.into_iter().enumerate() {
        for (k, shape) in SHAPES.into_iter().enumerate() {
            let dtype = [Dtype::BF16, Dtype::F16, Dtype::F32][(i + k) % 3];
            let (meta, bytes) = tensor(NAME, kind, shape, dtype);
            for preset in [Preset::Viable, Preset::Classic] {
                let fragments = 1 + (i + k) % 3;
                for strategy in strategies(preset, fragments) {
                    let trip = Trip::of(&*strategy, &meta, &bytes);
                    let what = || format!("{} {preset:?} {kind:?} {shape:?}", trip.label);
                    let reader = HctReader::open(&trip.file).unwrap();
                    assert_eq!(reader.index().tensors[0].shape, shape, "{}", what());
                    assert!(trip.decoded.iter().all(|v| v.is_finite()), "{}", what());
                    assert!(trip.rel_mse() <= 1.01, "{}: {}", what(), trip.rel_mse());
                    // Whatever has to reach a quality does.
                    if preset == Preset::Viable {
                        match strategy.name() {
                            "uniform" | "mixed" => {}
                            "adaptive" => assert!(trip.cosine() >= 0.99 - 1e-9, "{}", what()),
                            "rdo" => assert!(trip.rel_mse() <= 0.01 + 1e-9, "{}", what()),
                            _ => assert!(trip.rel_mse() <= 0.0108, "{}", what()),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn fragments_refine_and_the_last_one_completes() {
    for kind in [Kind::Gaussian, Kind::LowRank, Kind::HeavyTails, Kind::Means] {
        let (meta, bytes) = tensor(NAME, kind, &[192, 160], Dtype::F32);
        for preset in [Preset::Viable, Preset::Classic] {
            for (strategy, alone) in strategies(preset, 4).iter().zip(strategies(preset, 1)) {
                let trip = Trip::of(&**strategy, &meta, &bytes);
                let errors: Vec<f64> = (1..=5)
                    .map(|k| rel_mse(&trip.original, &trip.prefix(k, Dtype::F32)))
                    .collect();
                let what = format!("{} {preset:?} {kind:?}: {errors:?}", trip.label);
                assert!(errors.is_sorted_by(|a, b| a >= b), "{what}");
                assert_eq!(errors[4], trip.rel_mse(), "{what}");
                // The first is an approximation already, and far from free.
                assert!(errors[0] < 0.75, "{what}");
                let alone = Trip::of(&*alone, &meta, &bytes);
                assert!(trip.rel_mse() <= 1.2 * alone.rel_mse(), "{what}");
            }
        }
    }
}

#[test]
fn a_prefix_of_fragments_is_a_prefix_of_the_bytes() {
    let (meta, bytes) = tensor(NAME, Kind::Gaussian, &[128, 128], Dtype::F32);
    for strategy in strategies(Preset::Viable, 4) {
        let trip = Trip::of(&*strategy, &meta, &bytes);
        let reader = HctReader::open(&trip.file).unwrap();
        let ends: Vec<u64> = reader.index().tensors[0].fragment_ends().collect();
        assert!(ends.len() > 1, "{}", trip.label);
        assert!(ends.is_sorted(), "{}: {ends:?}", trip.label);
        // What comes after a fragment's end is not read to decode it.
        for (k, &end) in ends.iter().enumerate() {
            let expected = trip.prefix(k + 1, Dtype::F32);
            let mut damaged = trip.file.clone();
            let payload_end = *ends.last().unwrap() as usize;
            damaged[end as usize..payload_end].fill(0xa5);
            let reader = HctReader::open(&damaged).unwrap();
            let decoded = reader.tensor(0).unwrap().fragments(k + 1).decode().unwrap();
            let decoded = support::common::floats_of(&decoded, Dtype::F32);
            assert!(decoded == expected, "{}", trip.label);
        }
    }
}
