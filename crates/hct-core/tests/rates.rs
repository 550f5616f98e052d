//! How near the codec comes to what information theory asks, every byte of payload counted.

mod common;

use std::sync::LazyLock;

use common::{Kind, bytes_of, file_of, meta};
use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, HctReader, MatrixView, Preparation, Section, SparseFormat,
    Transform, TrellisAnalysis, TrellisSettings, encode_sparse,
};

const SIDE: usize = 1024;
const N: f64 = (SIDE * SIDE) as f64;

/// 2²⁰ independent standard normal values.
static GAUSSIAN: LazyLock<Vec<f32>> = LazyLock::new(|| Kind::Gaussian.values(SIDE, SIDE, 1));

fn gaussian() -> MatrixView<'static> {
    MatrixView::from_values(&GAUSSIAN, SIDE, SIDE).unwrap()
}

fn bits(plane: &EncodedPlane) -> f64 {
    8.0 * plane.payload_bytes() as f64 / plane.recipe().len() as f64
}

/// Codes the Gaussian at about `rate` bits per weight and returns the step.
fn coded(states: usize, rate: f64) -> (f32, EncodedPlane) {
    let how = Preparation::tiled(Transform::None);
    let analysis = TrellisAnalysis::new(gaussian(), how, TrellisSettings::new(states)).unwrap();
    let mut step = 1.0f32;
    loop {
        let training = analysis.train(step, 1 << 18);
        let plane = analysis.encode(step, &training).unwrap();
        let off = bits(&plane) - rate;
        if off.abs() < 0.01 {
            return (step, plane);
        }
        step *= (off as f32).exp2();
    }
}

fn assert_gap(states: usize, rate: f64, most: f64) {
    let (_, plane) = coded(states, rate);
    let energy: f64 = GAUSSIAN.iter().map(|&v| f64::from(v).powi(2)).sum();
    // The errors as decoded, not as predicted.
    let error = common::squared_error(&GAUSSIAN, &plane.decode().unwrap());
    let gap = bits(&plane) - 0.5 * (energy / error).log2();
    assert!(gap <= most, "{states} states at {rate} bits: gap {gap}");
    assert!(gap > 0.0, "below the Shannon limit?");
}

#[test]
fn eight_states_near_the_limit() {
    for (rate, most) in [(3.5, 0.11), (2.9, 0.11), (2.0, 0.12), (1.5, 0.15)] {
        assert_gap(8, rate, most);
    }
}

#[test]
fn scalar_within_a_quarter_bit() {
    for rate in [3.5, 2.9, 2.0, 1.5] {
        assert_gap(1, rate, 0.28);
    }
}

#[test]
fn more_states_gain() {
    assert_gap(4, 2.9, 0.13);
    assert_gap(16, 2.9, 0.10);
    assert_gap(32, 2.9, 0.095);
    // What half as many leave is 0.043.
    assert_gap(512, 2.9, 0.041);
}

/// The state after an index of parity `odd`: Ungerboeck's 8-state code, written out again.
fn next(state: usize, odd: usize) -> usize {
    let feedback = if state & 1 == 1 { 0o13 >> 1 } else { 0 };
    let input = if odd == 1 { 0o04 >> 1 } else { 0 };
    (state >> 1) ^ feedback ^ input
}

/// Entropy of the indices given the quantizer, in bits per weight, from nothing but the decoded
/// values: walks the trellis of each of 32 lanes.
fn conditional_entropy(values: &[f32], step: f32) -> f64 {
    let mut states = [0usize; 32];
    let mut counts = vec![[0f64; 2]; 1 << 12];
    for (i, &v) in values.iter().enumerate() {
        let state = &mut states[i % 32];
        let q = *state & 1;
        // |v| is (2m − q)·δ, less a shift of under half a step.
        let m = ((v.abs() / step + q as f32) * 0.5).round() as usize;
        let m = if v == 0.0 { 0 } else { m };
        counts[2 * m + usize::from(v < 0.0)][q] += 1.0;
        *state = next(*state, m & 1);
    }
    (0..2)
        .map(|q| {
            let total: f64 = counts.iter().map(|c| c[q]).sum();
            let used = counts.iter().map(|c| c[q]).filter(|&c| c > 0.0);
            used.map(|c| c * (total / c).log2()).sum::<f64>()
        })
        .sum::<f64>()
        / values.len() as f64
}

#[test]
fn the_entropy_coder_costs_little_over_the_entropy() {
    let (step, plane) = coded(8, 3.0);
    let entropy = conditional_entropy(&plane.decode().unwrap(), step);
    let over = bits(&plane) - entropy;
    assert!(over <= 0.02, "{over} bit over {entropy}");
    assert!(
        over > -0.001,
        "{over}: the entropy is not that of the indices"
    );
}

#[test]
fn training_predicts_what_encoding_costs() {
    for kind in [Kind::Gaussian, Kind::LoudRows, Kind::HeavyTails] {
        let values = kind.values(512, 512, 3);
        let matrix = MatrixView::from_values(&values, 512, 512).unwrap();
        let how = Preparation::tiled(Transform::None);
        let analysis = TrellisAnalysis::new(matrix, how, TrellisSettings::new(8)).unwrap();
        let step = (0.4 * analysis.energy().sqrt()) as f32;
        let training = analysis.train(step, usize::MAX);
        let estimate = training.estimate();
        let plane = analysis.encode(step, &training).unwrap();
        let error = plane.squared_error() / values.len() as f64;
        let ratio = error / estimate.distortion;
        assert!((ratio - 1.0).abs() < 0.08, "{kind:?}: {ratio}");
        // Tables, scales and states come on top; the encoder looks once more than training.
        let over = bits(&plane) - estimate.rate;
        assert!((-0.02..0.08).contains(&over), "{kind:?}: {over}");
    }
}

#[test]
fn uniform_at_98_percent() {
    let bytes = bytes_of(&GAUSSIAN, Dtype::BF16);
    let meta = meta("t", Dtype::BF16, &[SIDE as u64, SIDE as u64]);
    let tensor = EncodedTensor::uniform(&meta, &bytes, 0.98).unwrap();
    let bpw = 8.0 * tensor.payload_bytes() as f64 / N;
    assert!(bpw <= 4.25, "{bpw}");
}

#[test]
fn positions_never_cost_more_than_a_bitmap() {
    for (rows, cols) in [(1, 1), (3, 5), (100, 77), (256, 256)] {
        for kind in [Kind::Gaussian, Kind::Outliers, Kind::LowRank, Kind::Zeros] {
            let values = kind.values(rows, cols, 9);
            let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
            let n = rows * cols;
            for percent in [
                0.01, 0.1, 0.5, 2.0, 7.0, 30.0, 50.0, 60.0, 80.0, 90.0, 98.0, 99.9, 100.0,
            ] {
                for transform in [Transform::None, Transform::Dct2] {
                    let how = Preparation::tiled(transform);
                    let ratio = percent / 100.0;
                    let plane = encode_sparse(matrix, how, SparseFormat::Int4, ratio).unwrap();
                    let payload = plane.payload_bytes();
                    let kept = ((ratio * n as f64).ceil() as usize).clamp(1, n);
                    // Bitmap, FP16 scales and nibbles; a few bytes of modes and lengths.
                    let raw = n.div_ceil(8) + 2 * kept.div_ceil(32) + kept.div_ceil(2);
                    assert!(payload <= raw + 12, "{payload} bytes, raw {raw}");
                    let meta = meta("t", Dtype::F32, &[rows as u64, cols as u64]);
                    let file = file_of(meta, EncodedTensor::plane(plane));
                    let sections = HctReader::open(&file).unwrap().sections(0).unwrap();
                    let positions = sections.bytes[Section::Positions as usize];
                    assert!(positions <= n.div_ceil(8) as u64, "{kind:?} {percent} %");
                    assert!(percent < 100.0 || positions == 0);
                }
            }
        }
    }
}

#[test]
fn all_bytes_are_accounted_for() {
    let (_, plane) = coded(8, 2.9);
    let payload = plane.payload_bytes() as u64;
    let file = file_of(
        meta("t", Dtype::F32, &[SIDE as u64, SIDE as u64]),
        EncodedTensor::plane(plane),
    );
    let reader = HctReader::open(&file).unwrap();
    let record = &reader.index().tensors[0];
    assert_eq!(record.payload_bytes(), payload);
    let sections = reader.sections(0).unwrap();
    assert_eq!(sections.bytes.iter().sum::<u64>(), record.stored_bytes());
    // Header, index and trailer: under 200 bytes around one tensor.
    assert!(reader.file_bytes() - payload < 200);
}
