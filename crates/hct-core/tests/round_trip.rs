//! Any finite tensor of any shape comes back within the error that its quantizer states, and what
//! the encoder predicts is what a reader of the file gets.

mod common;

use common::{Kind, bytes_of, file_of, floats_of, meta, preparation, squared_error, trellis};
use half::{bf16, f16};
use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, Gains, HctReader, MatrixView, Preparation,
    SparseFormat, TensorMeta, Transform, TrellisAnalysis, TrellisSettings, encode_sparse, fold,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_240_229),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn shapes() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![
        Just(vec![1, 1]),
        (1u64..300).prop_map(|n| vec![1, n]),
        (1u64..300).prop_map(|n| vec![n, 1]),
        (1u64..40, 1u64..40).prop_map(|(r, c)| vec![r, c]),
        (30u64..130, 30u64..130).prop_map(|(r, c)| vec![r, c]),
        (1u64..9, 1u64..20, 1u64..9).prop_map(|(a, b, c)| vec![a, b, c]),
        (1u64..6, 1u64..6, 1u64..6, 1u64..6).prop_map(|(a, b, c, d)| vec![a, b, c, d]),
    ]
}

fn preparations() -> impl Strategy<Value = Preparation> {
    let tile = prop_oneof![Just(None), (1usize..3000).prop_map(Some)];
    (0usize..4, any::<bool>(), any::<bool>(), tile).prop_map(|(t, whole, means, tile)| {
        let mut how = preparation(Transform::ALL[t], whole, tile);
        how.remove_means = means;
        how
    })
}

fn dtypes() -> impl Strategy<Value = Dtype> {
    prop::sample::select(vec![Dtype::F32, Dtype::BF16, Dtype::F16])
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

/// A tensor's description, its bytes, and the values they stand for.
fn tensor(kind: Kind, shape: &[u64], dtype: Dtype, seed: u64) -> (TensorMeta, Vec<u8>, Vec<f32>) {
    let (rows, cols) = fold(shape).unwrap();
    let bytes = bytes_of(&kind.values(rows, cols, seed), dtype);
    let values = floats_of(&bytes, dtype);
    (meta("t", dtype, shape), bytes, values)
}

/// What a dtype makes of a reproduced value.
fn rounded(v: f32, dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => v,
        Dtype::BF16 => bf16::from_f32(v).clamp(bf16::MIN, bf16::MAX).to_f32(),
        _ => f16::from_f32(v).clamp(f16::MIN, f16::MAX).to_f32(),
    }
}

/// Decodes `plane` in memory after checking that its file decodes to the same bits.
fn decoded(meta: TensorMeta, plane: EncodedPlane) -> Vec<f32> {
    let values = plane.decode().unwrap();
    let dtype = meta.dtype;
    let file = file_of(meta, EncodedTensor::plane(plane));
    let read = HctReader::open(&file).unwrap().decode(0).unwrap();
    let expected: Vec<f32> = values.iter().map(|&v| rounded(v, dtype)).collect();
    assert!(
        read == bytes_of(&expected, dtype),
        "the file decodes to other values"
    );
    values
}

/// The orthonormal DCT-II of each row, by definition.
fn dct_rows(values: &[f64], cols: usize) -> Vec<f64> {
    let n = cols as f64;
    let mut out = Vec::with_capacity(values.len());
    for row in values.chunks(cols) {
        for k in 0..cols {
            let sum: f64 = (0..cols)
                .map(|i| {
                    let turn = (2 * i + 1) as f64 * k as f64 / (2.0 * n);
                    row[i] * (std::f64::consts::PI * turn).cos()
                })
                .sum();
            out.push(sum * (if k == 0 { 1.0 } else { 2.0 } / n).sqrt());
        }
    }
    out
}

fn transposed(values: &[f64], cols: usize) -> Vec<f64> {
    let rows = values.len() / cols;
    (0..values.len())
        .map(|i| values[i % rows * cols + i / rows])
        .collect()
}

fn transform(values: &[f64], cols: usize, transform: Transform) -> Vec<f64> {
    let rows = values.len() / cols;
    let mut out = values.to_vec();
    if matches!(transform, Transform::DctRows | Transform::Dct2) {
        out = dct_rows(&out, cols);
    }
    if matches!(transform, Transform::DctCols | Transform::Dct2) {
        out = transposed(&dct_rows(&transposed(&out, cols), rows), rows);
    }
    out
}

/// Most that the squared error of a tile may be: what dropping the smallest loses, and half a
/// step for each kept coefficient, steps being those of its block of 32.
fn allowed(coefficients: &[f64], keep: usize, format: SparseFormat) -> f64 {
    let mut order: Vec<usize> = (0..coefficients.len()).collect();
    order.sort_by(|&a, &b| coefficients[b].abs().total_cmp(&coefficients[a].abs()));
    let dropped: f64 = order[keep..].iter().map(|&i| coefficients[i].powi(2)).sum();
    let mut kept = order[..keep].to_vec();
    kept.sort_unstable();
    let largest = coefficients[order[0]].abs();
    if largest == 0.0 {
        return 0.0;
    }
    // Scales and FP16 values have 24 bits below the power of two at the tile's largest, less 14.
    let unit = libm::exp2(f64::from(libm::ilogb(largest)) - 14.0 - 24.0);
    let steps: f64 = kept
        .chunks(32)
        .map(|block| {
            let most = block
                .iter()
                .map(|&i| coefficients[i].abs())
                .fold(0.0, f64::max);
            let half = match format {
                SparseFormat::Int4 => 0.5 * (most / 7.0 * (1.0 + 1.0 / 1024.0) + unit),
                SparseFormat::Int8 => 0.5 * (most / 127.0 * (1.0 + 1.0 / 1024.0) + unit),
                SparseFormat::Half => most / 2048.0 + unit,
                other => panic!("no bound for {other:?}"),
            };
            block.len() as f64 * half * half
        })
        .sum();
    dropped + steps
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn sparse_planes_err_by_half_a_step_at_most(
        kind in kinds(),
        shape in shapes(),
        dtype in dtypes(),
        how in preparations(),
        format in prop::sample::select(vec![SparseFormat::Int4, SparseFormat::Int8, SparseFormat::Half]),
        retention in prop_oneof![Just(1.0), Just(0.98), 0.001..1.0],
        seed in any::<u64>(),
    ) {
        let (meta, bytes, values) = tensor(kind, &shape, dtype, seed);
        let (rows, cols) = fold(&shape).unwrap();
        let how = Preparation { remove_means: false, ..how };
        let matrix = MatrixView::from_bytes(&bytes, dtype, rows, cols).unwrap();
        let plane = match encode_sparse(matrix, how, format, retention) {
            Ok(plane) => plane,
            Err(error) => {
                // Sums of values at the end of the f32 range.
                prop_assert!(kind == Kind::Extremes && how.transform != Transform::None, "{error}");
                return Ok(());
            }
        };
        let recipe = *plane.recipe();
        let predicted = plane.squared_error();
        let wide: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        let tile = recipe.tile_rows * recipe.tile_cols;
        let count = |n: usize| ((retention * n as f64).ceil() as usize).clamp(1, n);
        let mut bound = 0.0;
        if recipe.whole {
            // Which coefficients a tile keeps depends on the others; the bound takes all alike.
            let all = transform(&wide, cols, how.transform);
            let dropless = allowed(&all, all.len(), SparseFormat::Half).max(0.0);
            let mut sorted: Vec<f64> = all.iter().map(|c| c * c).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let most = sorted[0].sqrt();
            let half = match format {
                SparseFormat::Int4 => 0.5 * most / 7.0 * 1.002,
                SparseFormat::Int8 => 0.5 * most / 127.0 * 1.002,
                SparseFormat::Half => most / 2048.0,
                other => panic!("no bound for {other:?}"),
            };
            bound += sorted[count(all.len())..].iter().sum::<f64>() + dropless;
            bound += count(all.len()) as f64 * half * half;
        } else {
            let whole_rows = recipe.tile_cols == cols;
            for band in wide.chunks(if whole_rows { tile } else { cols }) {
                for piece in band.chunks(tile) {
                    let across = if whole_rows { cols } else { piece.len() };
                    let coefficients = transform(piece, across, how.transform);
                    bound += allowed(&coefficients, count(piece.len()), format);
                }
            }
        }
        let energy: f64 = wide.iter().map(|v| v * v).sum();
        // The transform rounds in f32, and f32 itself ends at its smallest subnormal.
        let rounding = 2e-6 * energy.sqrt() + 1.5e-45 * values.len() as f64;
        let back = decoded(meta, plane);
        let measured = squared_error(&values, &back);
        prop_assert!(measured.sqrt() <= bound.sqrt() + rounding, "{measured} > {bound}");
        prop_assert!((measured.sqrt() - predicted.sqrt()).abs() <= rounding + 1e-5 * measured.sqrt(),
            "predicted {predicted}, measured {measured}");
    }

    #[test]
    fn what_an_encoder_compares_is_what_a_reader_gets(
        kind in kinds(),
        shape in shapes(),
        dtype in dtypes(),
        how in preparations(),
        states in prop::sample::select(vec![1usize, 8, 64]),
        step in prop_oneof![Just(0.3), 1e-6..6.0],
        centered in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (meta, bytes, _) = tensor(kind, &shape, dtype, seed);
        let (rows, cols) = fold(&shape).unwrap();
        let matrix = MatrixView::from_bytes(&bytes, dtype, rows, cols).unwrap();
        let means: Vec<f32> = matrix.moments().means.iter().map(|&mean| mean as f32).collect();
        let center = centered.then_some(&means[..]);
        let analysis = TrellisAnalysis::new(matrix, how, TrellisSettings::new(states)).unwrap();
        let step = ((step * analysis.energy().sqrt()) as f32).max(analysis.min_step());
        let training = analysis.train(step, 1 << 18);
        let plane = analysis.encode(step, &training);
        let Ok((compared, found)) = analysis.encode_comparing(step, &training, dtype, center) else {
            prop_assert!(plane.is_err());
            return Ok(());
        };
        let after = compared.compare(matrix, dtype, center, None).unwrap();
        // To the last bit.
        prop_assert_eq!(format!("{found:?}"), format!("{after:?}"));
        let file = |plane| file_of(meta.clone(), EncodedTensor::plane(plane));
        prop_assert!(file(compared) == file(plane.unwrap()));
    }

    #[test]
    fn trellis_planes_err_as_predicted(
        kind in kinds(),
        shape in shapes(),
        dtype in dtypes(),
        how in preparations(),
        states in prop::sample::select(vec![1usize, 4, 8, 16, 32, 64, 128, 256, 512]),
        step in prop_oneof![Just(0.3), 1e-6..6.0],
        gained in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let (meta, bytes, values) = tensor(kind, &shape, dtype, seed);
        let (rows, cols) = fold(&shape).unwrap();
        let matrix = MatrixView::from_bytes(&bytes, dtype, rows, cols).unwrap();
        let separate = matches!(how.transform, Transform::None | Transform::DctRows);
        let gained = gained && separate && !how.whole && cols <= how.tile;
        let coded = if gained {
            let gains = (0..rows).map(|r| (r * 7 % 13) as i32 - 6).collect();
            common::with_gains(matrix, how, states, step, gains)
        } else {
            trellis(matrix, how, states, step)
        };
        let plane = match coded {
            Ok(plane) => plane,
            Err(error) => {
                prop_assert!(matches!(kind, Kind::Extremes | Kind::HugeOutlier) && dtype != Dtype::F16, "{error}");
                return Ok(());
            }
        };
        let predicted = plane.squared_error();
        let back = decoded(meta, plane);
        let measured = squared_error(&values, &back);
        let apart = (measured.sqrt() - predicted.sqrt()).abs();
        let exact = how.transform == Transform::None && !how.remove_means && !gained;
        if exact {
            prop_assert!((measured - predicted).abs() <= 1e-5 * measured,
                "predicted {predicted}, measured {measured}");
        } else {
            let energy: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
            let rounding = 2e-6 * energy.sqrt() + 1.5e-45 * values.len() as f64;
            prop_assert!(apart <= rounding + 1e-5 * measured.sqrt(),
                "predicted {predicted}, measured {measured}");
        }
    }

    #[test]
    fn no_trellis_value_is_off_by_more_than_a_few_steps(
        kind in kinds(),
        shape in shapes(),
        states in prop::sample::select(vec![1usize, 4, 8, 16, 32, 64, 128, 256, 512]),
        step in prop_oneof![Just(0.3), 1e-6..6.0],
        seed in any::<u64>(),
    ) {
        let (_, _, values) = tensor(kind, &shape, Dtype::F32, seed);
        let (rows, cols) = fold(&shape).unwrap();
        let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
        let how = Preparation::tiled(Transform::None);
        let Ok(plane) = trellis(matrix, how, states, step) else {
            // Steps end where their multiples would leave the range of f32.
            prop_assert!(matches!(kind, Kind::Extremes | Kind::HugeOutlier));
            return Ok(());
        };
        let energy: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
        let largest = values.iter().fold(0f32, |m, v| v.abs().max(m));
        let rms = (energy / values.len() as f64).sqrt();
        // As `trellis` chooses it.
        let step = (step * rms).max(f64::from(largest) / f64::from(1 << 23)).max(1e-36);
        for (&a, b) in values.iter().zip(plane.decode().unwrap()) {
            let off = (f64::from(a) - f64::from(b)).abs();
            prop_assert!(off <= 6.0 * step + 3e-7 * f64::from(a.abs()), "{a} became {b} at {step}");
        }
    }

    #[test]
    fn fragments_add_up_and_a_prefix_is_an_approximation(
        (rows, cols, rank) in (2usize..40, 2usize..40).prop_flat_map(|(r, c)| (Just(r), Just(c), 1..=r.min(c))),
        seed in any::<u64>(),
    ) {
        let code = |values: &[f32], rows, cols, step| {
            let matrix = MatrixView::from_values(values, rows, cols).unwrap();
            trellis(matrix, Preparation::tiled(Transform::None), 8, step).unwrap()
        };
        let left = code(&Kind::Gaussian.values(rows, rank, seed), rows, rank, 0.1);
        let right = code(&Kind::Gaussian.values(rank, cols, !seed), rank, cols, 0.1);
        let rest = code(&Kind::HeavyTails.values(rows, cols, seed), rows, cols, 0.5);
        let (l, r, p) = (left.decode().unwrap(), right.decode().unwrap(), rest.decode().unwrap());
        let product = EncodedFragment::Product(left, right);
        let sum = EncodedTensor::fragments(vec![product, EncodedFragment::Plane(rest)]).unwrap();
        let file = file_of(meta("t", Dtype::F32, &[rows as u64, cols as u64]), sum);
        let reader = HctReader::open(&file).unwrap();
        let mut expected: Vec<f32> = (0..rows * cols)
            .map(|i| (0..rank).fold(0.0, |s, k| s + l[i / cols * rank + k] * r[k * cols + i % cols]))
            .collect();
        prop_assert!(reader.tensor(0).unwrap().fragments(1).decode().unwrap() == bytes_of(&expected, Dtype::F32));
        expected.iter_mut().zip(&p).for_each(|(e, p)| *e += p);
        prop_assert!(reader.decode(0).unwrap() == bytes_of(&expected, Dtype::F32));
    }
}

/// The comparison that an encoder makes of a matrix, if it is that of what decodes.
fn compared(analysis: &TrellisAnalysis<'_>, matrix: MatrixView<'_>, what: &str) {
    let step = 0.3 * analysis.energy().sqrt() as f32;
    let training = analysis.train(step, 1 << 18);
    let means: Vec<f32> = matrix.moments().means.iter().map(|&m| m as f32).collect();
    for center in [None, Some(&means[..])] {
        let coded = analysis.encode_comparing(step, &training, Dtype::BF16, center);
        let (plane, found) = coded.unwrap();
        let after = plane.compare(matrix, Dtype::BF16, center, None).unwrap();
        assert_eq!(format!("{found:?}"), format!("{after:?}"), "{what}");
        assert_eq!(plane.squared_error(), after.total().error, "{what}");
    }
}

#[test]
fn an_encoder_compares_planes_of_many_bands_as_a_reader_does() {
    // Lanes of both numbers, bands that end within the last tile, rows that are longer than a band and than a
    // tile; outliers past what contexts have symbols for.
    for (rows, cols, tile) in [
        (1025, 513, None),
        (700, 300, None),
        (1025, 300, Some(70_000)),
        (9, 20_000, None),
        (3, 50_001, Some(30_000)),
    ] {
        let values = Kind::HeavyTails.values(rows, cols, 3);
        let bytes = bytes_of(&values, Dtype::BF16);
        let matrix = MatrixView::from_bytes(&bytes, Dtype::BF16, rows, cols).unwrap();
        let how = preparation(Transform::None, false, tile);
        for states in [1, 8] {
            let what = format!("{rows} × {cols}, {states} states");
            let settings = TrellisSettings::new(states);
            let analysis = TrellisAnalysis::new(matrix, how, settings).unwrap();
            compared(&analysis, matrix, &what);
            if cols < 1000 {
                compared(&analysis.column_order().unwrap(), matrix, &what);
                let gains = Gains::of_rows((0..rows).map(|r| (r % 5) as i32 - 2).collect());
                let gained = TrellisAnalysis::with_gains(matrix, how, settings, gains);
                compared(&gained.unwrap(), matrix, &what);
            }
        }
    }
}

#[test]
fn values_that_are_not_finite_are_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = Kind::Gaussian.values(70, 90, 1);
        values[6000] = bad;
        let matrix = MatrixView::from_values(&values, 70, 90).unwrap();
        for t in Transform::ALL {
            let how = Preparation::tiled(t);
            assert!(encode_sparse(matrix, how, SparseFormat::Int4, 0.9).is_err());
            assert!(trellis(matrix, how, 8, 0.1).is_err(), "{bad} {t:?}");
        }
    }
}
