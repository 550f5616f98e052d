//! What each strategy promises beyond what holds for all.

mod support;

use hct_core::{Dtype, HctReader, Section};
use hct_strategies::{
    AdaptiveEncoder, HybridEncoder, HybridLayersEncoder, ImportanceEncoder, ImportanceMap,
    LayerStacks, MixedPrecisionEncoder, MlpOnlyEncoder, Preset, Quality, RdoEncoder, Strategy,
    SvdEncoder, UniformEncoder,
};
use support::common::{Kind, Rng, bytes_of, meta};
use support::{Trip, cosine, tensor};

const MLP: &str = "model.layers.3.mlp.up_proj.weight";
const QUERY: &str = "model.layers.3.self_attn.q_proj.weight";
const EMBEDDING: &str = "model.embed_tokens.weight";

#[test]
fn adaptive_holds_the_first_percentile_of_an_embeddings_rows() {
    let (rows, cols) = (1500, 96);
    for kind in [
        Kind::Gaussian,
        Kind::Means,
        Kind::LoudRows,
        Kind::HeavyTails,
    ] {
        let values: Vec<f32> = kind
            .values(rows, cols, 2)
            .iter()
            .enumerate()
            // A few rows shout, many whisper.
            .map(|(i, v)| v * [12.0, 0.3, 1.0][(i / cols % 50).min(2)])
            .collect();
        let meta = meta(EMBEDDING, Dtype::F16, &[rows as u64, cols as u64]);
        let trip = Trip::of(
            &AdaptiveEncoder::new(0.99),
            &meta,
            &bytes_of(&values, Dtype::F16),
        );
        let cosines = trip.row_cosines(cols);
        assert!(trip.cosine() >= 0.99, "{kind:?}");
        let (first, median) = (cosines[rows / 100], cosines[rows / 2]);
        assert!(first >= 0.97, "{kind:?}: {first}");
        assert!(median >= 0.99 - 1e-6, "{kind:?}: {median}");
        // The floor is worth something: without it the quiet rows are lost.
        if kind == Kind::Gaussian {
            let plain = RdoEncoder::new(Quality::RelMse(1.0 - 0.99 * 0.99));
            let plain = Trip::of(&plain, &meta, &bytes_of(&values, Dtype::F16));
            assert!(plain.row_cosines(cols)[rows / 100] < 0.9);
        }
    }
}

#[test]
fn classic_adaptive_is_fooled_by_a_large_mean() {
    let (rows, cols) = (512, 128);
    let values: Vec<f32> = Kind::Means.values(rows, cols, 3);
    let meta = meta(EMBEDDING, Dtype::F32, &[rows as u64, cols as u64]);
    let bytes = bytes_of(&values, Dtype::F32);
    let median = |preset| {
        let trip = Trip::of(&AdaptiveEncoder::new(0.99).preset(preset), &meta, &bytes);
        trip.row_cosines(cols)[rows / 2]
    };
    assert!(median(Preset::Classic) < 0.6);
    assert!(median(Preset::Viable) >= 0.99 - 1e-6);
}

/// rank components of equal energy, and noise of `noise` times their energy.
fn low_rank(rows: usize, cols: usize, rank: usize, noise: f64) -> Vec<f32> {
    let mut rng = Rng(11);
    let (left, right) = (rng.normals(rows * rank), rng.normals(rank * cols));
    let scale = 1.0 / (rank as f32).sqrt();
    (0..rows * cols)
        .map(|i| {
            let (r, c) = (i / cols, i % cols);
            let sum: f32 = (0..rank)
                .map(|k| left[r * rank + k] * right[k * cols + c])
                .sum();
            sum * scale + (noise.sqrt() * rng.normal()) as f32
        })
        .collect()
}

#[test]
fn svd_takes_low_rank_and_leaves_the_rest() {
    let (rows, cols) = (768, 640);
    let values = low_rank(rows, cols, 12, 1e-4);
    let meta = meta(QUERY, Dtype::F32, &[rows as u64, cols as u64]);
    let bytes = bytes_of(&values, Dtype::F32);
    // Above the noise factors do alone; below it a residual codes the noise.
    for (quality, gain) in [(2e-4, 5.0), (5e-5, 3.0)] {
        let quality = Quality::RelMse(quality);
        let plain = Trip::of(&RdoEncoder::new(quality), &meta, &bytes);
        let svd = SvdEncoder::new(128).quality(quality);
        let hybrid = HybridEncoder::new(128, 0.98).quality(quality);
        for strategy in [&svd as &dyn Strategy, &hybrid] {
            let trip = Trip::of(strategy, &meta, &bytes);
            let times = plain.bytes as f64 / trip.bytes as f64;
            assert!(times > gain, "{quality:?}: {times}");
            let Quality::RelMse(most) = quality else {
                unreachable!()
            };
            assert!(trip.rel_mse() <= most);
        }
    }
}

#[test]
fn svd_is_never_larger_than_the_residual_coder_alone() {
    for kind in Kind::ALL {
        for shape in [&[200u64, 200][..], &[64, 300], &[700, 7]] {
            let (meta, bytes) = tensor(QUERY, kind, shape, Dtype::F32);
            let quality = Quality::RelMse(0.01);
            let plain = Trip::of(&RdoEncoder::new(quality), &meta, &bytes)
                .file
                .len();
            let svd = Trip::of(&SvdEncoder::new(64).quality(quality), &meta, &bytes);
            // The labels have the same length.
            assert!(svd.file.len() <= plain, "{kind:?} {shape:?}: {}", svd.label);
        }
    }
}

#[test]
fn importance_costs_what_the_engine_costs_at_the_steered_target() {
    let map = ImportanceMap::by_role();
    for (name, score) in [(MLP, 0.5), (QUERY, 0.75)] {
        let (meta, bytes) = tensor(name, Kind::Gaussian, &[160, 128], Dtype::BF16);
        let base = 0.0095;
        let encoder = ImportanceEncoder::new(0.98, map.clone()).quality(Quality::RelMse(base));
        let trip = Trip::of(&encoder, &meta, &bytes);
        let steered = base * f64::exp2(2.0 * (0.5 - score));
        let engine = Trip::of(&RdoEncoder::new(Quality::RelMse(steered)), &meta, &bytes);
        assert_eq!(trip.bytes, engine.bytes);
        assert!(trip.decoded == engine.decoded);
    }
    // A map of the user's comes first.
    let json = format!(r#"{{"{MLP}": 1.0}}"#);
    let map = ImportanceMap::from_json(&json).unwrap();
    let (meta, bytes) = tensor(MLP, Kind::Gaussian, &[160, 128], Dtype::BF16);
    let bits = |map| Trip::of(&ImportanceEncoder::new(0.98, map), &meta, &bytes).bits_per_weight();
    let gain = bits(map) - bits(ImportanceMap::by_role());
    assert!(
        (gain - 0.5).abs() < 0.05,
        "half the error is half a bit: {gain}"
    );
}

#[test]
fn mixed_spends_little_on_positions_and_its_base_is_usable() {
    let (meta, bytes) = tensor(MLP, Kind::HeavyTails, &[256, 256], Dtype::F32);
    for ratio in [0.002, 0.1, 0.2, 0.3] {
        let trip = Trip::of(&MixedPrecisionEncoder::new(0.7, ratio), &meta, &bytes);
        let reader = HctReader::open(&trip.file).unwrap();
        let sections = reader.sections(0).unwrap().bytes;
        let share =
            sections[Section::Positions as usize] as f64 / sections.iter().sum::<u64>() as f64;
        assert!(share <= 0.10, "{ratio}: {share}");
        let base = cosine(&trip.original, &trip.prefix(1, Dtype::F32));
        assert!(base > 0.95 && base < trip.cosine(), "{ratio}: {base}");
    }
    // As first described: FP16 first, and it holds more than its share of the energy.
    let classic = MixedPrecisionEncoder::new(0.7, 0.2).preset(Preset::Classic);
    let trip = Trip::of(&classic, &meta, &bytes);
    assert!(cosine(&trip.original, &trip.prefix(1, Dtype::F32)) > 0.6);
}

#[test]
fn routes_keep_what_they_promise_to_keep() {
    let coded = |strategy: &dyn Strategy, name: &str| {
        let (meta, bytes) = tensor(name, Kind::Gaussian, &[96, 80], Dtype::F16);
        let trip = Trip::of(strategy, &meta, &bytes);
        (trip.decoded == trip.original, trip.bits_per_weight())
    };
    for preset in [Preset::Viable, Preset::Classic] {
        let mlp_only = MlpOnlyEncoder::new(0.9).preset(preset);
        assert!(!coded(&mlp_only, MLP).0);
        assert!(coded(&mlp_only, QUERY).0 && coded(&mlp_only, EMBEDDING).0);

        let layer = |i: usize| format!("model.layers.{i}.mlp.up_proj.weight");
        let names: Vec<String> = (0..8).map(layer).collect();
        let stacks = LayerStacks::of(names.iter().map(String::as_str));
        let layers = HybridLayersEncoder::new(0.4, stacks).preset(preset);
        let kept: Vec<bool> = names.iter().map(|n| coded(&layers, n).0).collect();
        assert_eq!(kept, [true, false, false, false, false, false, false, true]);
        let (next, middle) = (coded(&layers, &names[6]).1, coded(&layers, &names[4]).1);
        assert!(next > middle + 0.5, "{preset:?}: {next} {middle}");
    }
}

#[test]
fn a_retention_stands_for_the_quality_that_uniform_has_there() {
    let (meta, bytes) = tensor(MLP, Kind::Gaussian, &[512, 512], Dtype::F32);
    for retention in [0.3, 0.5, 0.7, 0.9, 0.98, 1.0] {
        let uniform = Trip::of(&UniformEncoder::new(retention), &meta, &bytes);
        let engine = Trip::of(&HybridEncoder::new(8, retention), &meta, &bytes);
        let (d, wanted) = (engine.rel_mse(), uniform.rel_mse());
        assert!(
            (d / wanted - 1.0).abs() < 0.05,
            "{retention}: {d}, {wanted}"
        );
        assert!(engine.bytes < uniform.bytes * 95 / 100, "{retention}");
    }
}

#[test]
fn nonsense_is_refused() {
    let (meta, bytes) = tensor(MLP, Kind::Gaussian, &[64, 64], Dtype::F32);
    let view = hct_strategies::TensorView {
        meta: &meta,
        bytes: &bytes,
        base: None,
    };
    for retention in [0.0, -1.0, 1.01, f64::NAN] {
        let uniform = UniformEncoder::new(retention);
        let mixed = MixedPrecisionEncoder::new(retention, 0.1);
        assert!(uniform.encode(view).is_err() && mixed.encode(view).is_err());
    }
}
