//! Every kernel at every level that this CPU has, on ordinary and on hostile values. Kernels that
//! have one version today are here for the day that they get others. The trellis quantizer's tiles
//! are in its own room, `quant/trellis/encode/levels.rs`.

#[path = "../../tests/common/generate.rs"]
pub(crate) mod generate;

use generate::Kind;
use proptest::prelude::*;

use super::same_at_every_level;
use crate::transform::{forward, inverse};
use crate::{
    Dtype, EncodedPlane, EncodedTensor, ErrorFeedback, FeedbackAnalysis, Gains, HctReader,
    HctWriter, MatrixView, Preparation, SparseFormat, TensorMeta, Transform, TrellisAnalysis,
    TrellisSettings, add_product, add_product_transposed, compare_values, encode_sparse,
    energy_retention, floats,
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// What coding a matrix gives: the file, its squared error and what is decoded; or why not.
fn coded(matrix: MatrixView<'_>, plane: crate::Result<EncodedPlane>) -> String {
    let plane = match plane {
        Ok(plane) => plane,
        Err(error) => return error.to_string(),
    };
    let error = plane.squared_error().to_bits();
    let decoded = plane.decode().expect("what was encoded");
    let compared = compare_values(matrix, &decoded, Dtype::F16, None);
    let meta = TensorMeta {
        name: "w".into(),
        dtype: Dtype::F16,
        shape: vec![matrix.rows() as u64, matrix.cols() as u64],
    };
    let mut writer = HctWriter::new(Vec::new()).expect("a file in memory");
    let tensor = EncodedTensor::plane(plane);
    writer.add_tensor(meta, tensor, None, "test").expect("fits");
    let file = writer.finish().expect("a file in memory");
    let reader = HctReader::open(&file).expect("what was written");
    let halves = reader.decode(0).expect("what was written");
    format!(
        "{file:?} {halves:?} {error} {:?} {compared:?}",
        bits(&decoded)
    )
}

fn preparation(transform: Transform, whole: bool, remove_means: bool) -> Preparation {
    Preparation {
        transform,
        whole,
        remove_means,
        tile: 1500,
    }
}

/// Odd shapes, ragged tiles.
const SHAPES: [(usize, usize); 4] = [(1, 1), (3, 257), (61, 47), (40, 96)];

#[test]
fn sparse_planes_are_the_same() {
    for (rows, cols) in SHAPES {
        for (k, kind) in Kind::ALL.into_iter().enumerate() {
            let values = kind.values(rows, cols, k as u64);
            let matrix = MatrixView::from_values(&values, rows, cols).expect("a matrix");
            for (transform, format, retention) in [
                (Transform::Dct2, SparseFormat::Int4, 0.9),
                (Transform::DctCols, SparseFormat::Int8, 0.3),
                (Transform::DctRows, SparseFormat::Half, 0.5),
                (Transform::None, SparseFormat::Half, 1.0),
            ] {
                same_at_every_level(|| {
                    let how = preparation(transform, k % 2 == 1, false);
                    let plane = encode_sparse(matrix, how, format, retention);
                    let kept = energy_retention(matrix, how, 0.9).map(f64::to_bits);
                    let kept = format!("{kept:?}");
                    (kept, coded(matrix, plane))
                });
            }
        }
    }
}

#[test]
fn trellis_planes_are_the_same() {
    for (rows, cols) in SHAPES {
        for (k, kind) in Kind::ALL.into_iter().enumerate() {
            let values = kind.values(rows, cols, 100 + k as u64);
            let matrix = MatrixView::from_values(&values, rows, cols).expect("a matrix");
            let states = [1, 4, 8, 16, 32][k % 5];
            let transform = Transform::ALL[k % 4];
            for gains in [false, true] {
                same_at_every_level(|| {
                    let how = preparation(transform, k % 3 == 0, k % 2 == 0);
                    trellis(matrix, how, states, gains)
                        .map_or_else(|e| e.to_string(), |plane| coded(matrix, Ok(plane)))
                });
            }
        }
    }
}

fn trellis(
    matrix: MatrixView<'_>,
    how: Preparation,
    states: usize,
    gains: bool,
) -> crate::Result<EncodedPlane> {
    let settings = TrellisSettings::new(states);
    let analysis = if gains {
        let gains = (0..matrix.rows() as i32).map(|r| r % 9 - 4).collect();
        TrellisAnalysis::with_gains(matrix, how, settings, Gains::of_rows(gains))?
    } else {
        TrellisAnalysis::new(matrix, how, settings)?
    };
    let step = ((0.4 * analysis.energy().sqrt()) as f32).max(analysis.min_step());
    analysis.encode(step, &analysis.train(step, 1 << 18))
}

#[test]
fn planes_coded_with_feedback_are_the_same() {
    // Few rows, one column, and one and two more than a block has.
    for (rows, cols) in SHAPES.into_iter().chain([(257, 3), (70, 65), (5, 130)]) {
        let coefficient = |k: usize| {
            let (i, j) = (k / cols, k % cols);
            if i < j {
                0.3 / (j - i) as f32
            } else {
                f32::NAN
            }
        };
        let coefficients: Vec<f32> = (0..cols * cols).map(coefficient).collect();
        let column_gains: Vec<i32> = (0..cols as i32).map(|c| c % 5 - 2).collect();
        let row_gains: Vec<i32> = (0..rows as i32).map(|r| r % 9 - 4).collect();
        for (k, kind) in Kind::ALL.into_iter().enumerate() {
            let values = kind.values(rows, cols, 200 + k as u64);
            let matrix = MatrixView::from_values(&values, rows, cols).expect("a matrix");
            let feedback = ErrorFeedback {
                coefficients: &coefficients,
                column_gains: &column_gains,
                row_gains: if k % 2 == 0 { &row_gains } else { &[] },
            };
            let settings = TrellisSettings::new([1, 4, 32, 128, 512][k % 5]);
            let energy = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
            let step = (0.4 * (energy / values.len() as f64).sqrt()) as f32;
            same_at_every_level(|| {
                let plane = FeedbackAnalysis::new(matrix, Dtype::F16, feedback, settings, 1 << 18)
                    .and_then(|analysis| analysis.encode(step, &analysis.train(step)?));
                coded(matrix, plane.map(|coded| coded.plane))
            });
        }
    }
}

#[test]
fn a_plane_of_32_lanes_is_the_same() {
    let (rows, cols) = (1025, 512);
    let values = Kind::LoudRows.values(rows, cols, 7);
    let matrix = MatrixView::from_values(&values, rows, cols).expect("a matrix");
    for states in [1, 8] {
        same_at_every_level(|| {
            let how = Preparation::tiled(Transform::None);
            coded(matrix, trellis(matrix, how, states, false))
        });
    }
}

#[test]
fn transforms_are_the_same() {
    for (rows, cols) in [(1, 96), (17, 101), (64, 48), (128, 33)] {
        for kind in Kind::ALL {
            let values = kind.values(rows, cols, 11);
            for transform in Transform::ALL {
                same_at_every_level(|| {
                    let mut there = values.clone();
                    forward(&mut there, rows, cols, transform);
                    let mut back = there.clone();
                    inverse(&mut back, rows, cols, transform);
                    (bits(&there), bits(&back))
                });
            }
        }
    }
}

#[test]
fn products_are_the_same() {
    for (rows, inner, cols) in [(1, 1, 1), (7, 3, 17), (13, 257, 15), (97, 31, 101)] {
        for kind in [Kind::HeavyTails, Kind::Subnormals, Kind::SignedZeros] {
            let (left, right) = (kind.values(rows, inner, 1), kind.values(inner, cols, 2));
            let start = kind.values(rows, cols, 3);
            same_at_every_level(|| {
                let (mut plain, mut transposed) = (start.clone(), start.clone());
                add_product(&mut plain, &left, &right, inner, cols);
                add_product_transposed(&mut transposed, &left, &right, inner, cols);
                (bits(&plain), bits(&transposed))
            });
        }
    }
}

#[test]
fn every_half_and_what_lies_between_converts_the_same() {
    // Every half-precision number, the middle to the next, and a little to both sides of each.
    let near = |b: u16| {
        let v = half::f16::from_bits(b).to_f32_const().to_bits();
        [0, 1, 0x0fff, 0x1000, 0x1001].map(|d| f32::from_bits(v + d))
    };
    let finite = (0..=u16::MAX).filter(|b| b & 0x7fff < 0x7c00);
    let mut values: Vec<f32> = finite.flat_map(near).collect();
    values.extend(Kind::Extremes.values(1, 513, 5));
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32] {
        same_at_every_level(|| {
            let mut bytes = vec![0; values.len() * dtype.bits() / 8];
            floats::from_f32(&values, dtype, &mut bytes);
            let mut back = vec![0.0; values.len()];
            floats::to_f32(&bytes, dtype, &mut back);
            let single: Vec<u16> = values
                .iter()
                .map(|&v| floats::to_half(v).to_bits())
                .collect();
            (bytes, bits(&back), single)
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any finite bit patterns: subnormals, zeros of both signs and the ends of the range come up
    /// all the time.
    #[test]
    fn any_finite_values_are_coded_the_same(
        patterns in prop::collection::vec(any::<u32>(), 1..400),
        cols in 1usize..20,
        states in prop::sample::select(vec![1usize, 4, 8, 16, 32, 64, 256, 512]),
        format in prop::sample::select(vec![
            SparseFormat::Int4,
            SparseFormat::Int8,
            SparseFormat::Half,
        ]),
    ) {
        let finite = patterns.into_iter().map(f32::from_bits).filter(|v| v.is_finite());
        let mut values: Vec<f32> = finite.collect();
        values.truncate(values.len() / cols * cols);
        prop_assume!(!values.is_empty());
        let rows = values.len() / cols;
        let matrix = MatrixView::from_values(&values, rows, cols).expect("a matrix");
        let how = Preparation { tile: 64, ..Preparation::tiled(Transform::None) };
        same_at_every_level(|| {
            let sparse = encode_sparse(matrix, how, format, 0.7);
            let dense = trellis(matrix, how, states, false);
            (coded(matrix, sparse), coded(matrix, dense))
        });
    }
}
