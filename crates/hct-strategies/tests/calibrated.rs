//! The calibrated strategy: what inputs make of an error counts, not its size.

mod support;

use std::sync::Arc;

use hct_core::Dtype;
use hct_strategies::{
    CalibratedEncoder, Calibration, Effort, Moments, Plan, Quality, RdoEncoder, StrategyName,
    StrategySpec, SymmetricMatrix, TensorStatistics,
};
use support::common::Kind;
use support::{Inputs, Trip, tensor};

const NAME: &str = "model.layers.2.mlp.up_proj.weight";
const ROWS: usize = 256;
const COLS: usize = 96;

/// Inputs that come in groups which go together, some of them far louder than others, and rows of
/// which every fourth hardly matters.
struct Grouped;

fn loudness(i: usize) -> f32 {
    if i % 24 < 3 { 20.0 } else { 1.0 }
}

fn moment(i: usize, j: usize) -> f32 {
    let together = match (i == j, i / 8 == j / 8) {
        (true, _) => 1.0,
        (_, true) => 0.9,
        _ => 0.0,
    };
    loudness(i) * loudness(j) * together
}

fn row_weight(row: usize) -> f32 {
    if row.is_multiple_of(4) { 1e-5 } else { 1e-3 }
}

impl Calibration for Grouped {
    fn statistics(&self, name: &str) -> hct_core::Result<Option<TensorStatistics>> {
        let packed = (0..COLS).flat_map(|i| (i..COLS).map(move |j| moment(i, j)));
        let matrix = SymmetricMatrix::new(COLS, packed.collect())?;
        let mut statistics = TensorStatistics::of_inputs(1000, Moments::Full(matrix));
        statistics.rows = Some((0..ROWS).map(row_weight).collect());
        statistics.reliability = 1.0;
        Ok((name == NAME).then_some(statistics))
    }
}

/// ½ Σ_r ω_r Δ_r H Δ_rᵀ.
fn damage(trip: &Trip) -> f64 {
    let mut sum = 0.0;
    let rows = trip.original.chunks(COLS).zip(trip.decoded.chunks(COLS));
    for (r, (a, b)) in rows.enumerate() {
        let e: Vec<f64> = a.iter().zip(b).map(|(a, b)| f64::from(a - b)).collect();
        for i in 0..COLS {
            let row: f64 = (0..COLS).map(|j| f64::from(moment(i, j)) * e[j]).sum();
            sum += 0.5 * f64::from(row_weight(r)) * e[i] * row;
        }
    }
    sum
}

#[test]
fn it_does_far_less_damage_than_rdo_at_the_same_size() {
    let (meta, bytes) = tensor(
        NAME,
        Kind::Gaussian,
        &[ROWS as u64, COLS as u64],
        Dtype::BF16,
    );
    let calibrated = CalibratedEncoder::new(Arc::new(Grouped), 5e-4);
    let ours = Trip::of(&calibrated, &meta, &bytes);
    let mut better = 0;
    for rel_mse in [0.3, 0.1, 0.03, 0.01, 0.003] {
        let rdo = Trip::of(&RdoEncoder::new(Quality::RelMse(rel_mse)), &meta, &bytes);
        if rdo.bits_per_weight() < ours.bits_per_weight() {
            assert!(damage(&ours) < 0.5 * damage(&rdo), "{rel_mse}");
            better += 1;
        }
    }
    // There were smaller ones to compare with.
    assert!(better > 0, "{}", ours.bits_per_weight());
}

#[test]
fn smaller_steps_are_finer_at_every_effort() {
    let (meta, bytes) = tensor(
        NAME,
        Kind::HeavyTails,
        &[ROWS as u64, COLS as u64],
        Dtype::BF16,
    );
    for effort in [Effort::Fast, Effort::Default, Effort::Max] {
        let at = |step| {
            let encoder = CalibratedEncoder::new(Arc::new(Grouped), step).effort(effort);
            let trip = Trip::of(&encoder, &meta, &bytes);
            (trip.bits_per_weight(), damage(&trip))
        };
        let (coarse, fine) = (at(1e-3), at(1e-4));
        assert!(fine.0 > coarse.0 + 2.0, "{effort}: {fine:?} {coarse:?}");
        assert!(fine.1 < 0.03 * coarse.1, "{effort}: {fine:?} {coarse:?}");
    }
}

#[test]
fn a_tensor_that_it_does_not_know_is_coded_finely_and_one_of_another_shape_is_refused() {
    let shape = [ROWS as u64, COLS as u64];
    let calibrated = CalibratedEncoder::new(Arc::new(Grouped), 1e-3);
    let (meta, bytes) = tensor("other.weight", Kind::Gaussian, &shape, Dtype::BF16);
    let trip = Trip::of(&calibrated, &meta, &bytes);
    assert!(trip.rel_mse() < 1.01e-3, "{}", trip.rel_mse());
    assert!(trip.label.contains("unknown"), "{}", trip.label);
    let (meta, bytes) = tensor(NAME, Kind::Gaussian, &[96, 256], Dtype::BF16);
    let view = hct_strategies::TensorView {
        meta: &meta,
        bytes: &bytes,
        base: None,
    };
    use hct_strategies::Strategy;
    assert!(calibrated.encode(view).is_err());
}

#[test]
fn without_gradients_or_correlations_it_still_follows_the_inputs() {
    let (meta, bytes) = tensor(NAME, Kind::Gaussian, &[ROWS as u64, 80], Dtype::F32);
    let encoder = CalibratedEncoder::new(Arc::new(Inputs(80)), 1e-4);
    let trip = Trip::of(&encoder, &meta, &bytes);
    let error = |column: usize| -> f64 {
        let of = |values: &[f32]| values.iter().skip(column).step_by(80).copied().collect();
        let (a, b): (Vec<f32>, Vec<f32>) = (of(&trip.original), of(&trip.decoded));
        a.iter()
            .zip(&b)
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum()
    };
    // The last input is 80 times as large as the first, in mean square.
    let ratio = error(0) / error(79);
    assert!((30.0..200.0).contains(&ratio), "{ratio}");
}

#[test]
fn a_plan_for_a_size_has_steps_for_its_levels() {
    let spec = StrategySpec::builder(StrategyName::Calibrated).bits_per_weight(3.0);
    let plan = spec.finish().unwrap().plan([], Some(Arc::new(Grouped)));
    let Plan::Rate(plan) = plan.unwrap() else {
        panic!("a size");
    };
    let (meta, bytes) = tensor(
        NAME,
        Kind::Gaussian,
        &[ROWS as u64, COLS as u64],
        Dtype::BF16,
    );
    let bits = |octaves| Trip::of(&*plan.strategy_at(octaves), &meta, &bytes).bits_per_weight();
    let start = plan.start((ROWS * COLS) as u64);
    assert!(plan.limits().contains(&start));
    let (coarse, fine) = (bits(-22.0), bits(-26.0));
    assert!((fine - coarse - 2.0).abs() < 0.3, "{coarse} {fine}");
}
