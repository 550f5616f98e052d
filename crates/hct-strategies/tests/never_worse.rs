//! The rdo strategy against single fixed recipes at the distortion it reached itself: never worse
//! than the best of them by more than 1 %.

#[path = "../../hct-core/tests/common/mod.rs"]
mod common;

use common::{Kind, bytes_of, floats_of, meta};
use hct_core::{
    Dtype, HctReader, MatrixView, Preparation, Transform, TrellisAnalysis, TrellisSettings,
};
use hct_strategies::{Quality, RdoEncoder, Strategy, TensorView};

/// Bytes that `preparation` takes to err no more than `target` in sum of squares, to within 1 %.
fn bytes_at(matrix: MatrixView<'_>, preparation: Preparation, target: f64) -> usize {
    let analysis = TrellisAnalysis::new(matrix, preparation, TrellisSettings::new(8)).unwrap();
    let mut step = (3.7 * target / matrix.len() as f64).sqrt() as f32;
    // The largest step known to reach the target, and the smallest known not to.
    let (mut low, mut high, mut best) = (0f32, f32::INFINITY, usize::MAX);
    for _ in 0..30 {
        let plane = analysis
            .encode(step, &analysis.train(step, 1 << 18))
            .unwrap();
        let ratio = plane.squared_error() / target;
        if ratio <= 1.0 {
            (low, best) = (low.max(step), best.min(plane.payload_bytes()));
        } else {
            high = high.min(step);
        }
        if (0.99..=1.0).contains(&ratio) || high / low < 1.001 {
            return best;
        }
        step *= (0.995 / ratio).sqrt() as f32;
        if step <= low || step >= high {
            step = if high.is_finite() && low > 0.0 {
                (low * high).sqrt()
            } else {
                1.3 * low
            };
        }
    }
    // Where even zeros are good enough, no step is the largest.
    assert!(
        low > 0.0 && high.is_infinite(),
        "{preparation:?} does not settle"
    );
    best
}

fn recipes() -> Vec<(&'static str, Preparation)> {
    let mut out: Vec<_> = Transform::ALL
        .into_iter()
        .map(|t| (t.name(), Preparation::tiled(t)))
        .collect();
    for (name, transform) in [
        ("mean", Transform::None),
        ("mean + dct-rows", Transform::DctRows),
    ] {
        let remove_means = true;
        out.push((
            name,
            Preparation {
                remove_means,
                ..Preparation::tiled(transform)
            },
        ));
    }
    out
}

#[test]
fn never_worse_than_the_best_fixed_recipe() {
    let mut worse = Vec::new();
    for (kind, rows, cols) in [
        (Kind::Gaussian, 256, 256),
        (Kind::HeavyTails, 192, 320),
        (Kind::LowRank, 256, 256),
        (Kind::Smooth, 512, 128),
        (Kind::Smooth, 1024, 512),
        (Kind::LoudRows, 300, 200),
        (Kind::Means, 512, 128),
        (Kind::Outliers, 256, 256),
    ] {
        for rel_mse in [0.018, 0.002] {
            let bytes = bytes_of(&kind.values(rows, cols, 6), Dtype::F32);
            let meta = meta("layer.weight", Dtype::F32, &[rows as u64, cols as u64]);
            let view = TensorView {
                meta: &meta,
                bytes: &bytes,
                base: None,
            };
            let coded = RdoEncoder::new(Quality::RelMse(rel_mse))
                .encode(view)
                .unwrap();
            let size = coded.tensor.payload_bytes();
            let file = common::file_of(meta.clone(), coded.tensor);
            let reader = HctReader::open(&file).unwrap();
            let original = floats_of(&bytes, Dtype::F32);
            let decoded = floats_of(&reader.decode(0).unwrap(), Dtype::F32);
            let error = common::squared_error(&original, &decoded);
            let matrix = MatrixView::from_values(&original, rows, cols).unwrap();
            let (name, best) = recipes()
                .into_iter()
                .map(|(name, how)| (name, bytes_at(matrix, how, error)))
                .min_by_key(|&(_, bytes)| bytes)
                .unwrap();
            let over = 100.0 * (size as f64 / best as f64 - 1.0);
            // Below a quarter of a bit the search misses by more than 1 %, of next to nothing.
            let weights = matrix.len() as f64;
            let excess = 8.0 * (size as f64 - best as f64) / weights;
            let most = if 8.0 * best as f64 / weights < 0.25 {
                0.02
            } else {
                0.01 * 8.0 * best as f64 / weights
            };
            if excess > most {
                let recipe = &reader.index().tensors[0].recipe;
                worse.push(format!(
                    "{kind:?} at {rel_mse}: {recipe} is {over:.2} % above {name}"
                ));
            }
        }
    }
    assert!(worse.is_empty(), "{worse:#?}");
}
