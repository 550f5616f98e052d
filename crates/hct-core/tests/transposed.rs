//! Transposed planes and gains of both sides: what they decode to, and what their flags go with.

mod common;

use common::{Kind, bytes_of, file_of, fine_gains, floats_of, meta, preparation, transposed};
use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, Error, Gains, HctReader, MatrixView,
    Preparation, Transform, TrellisAnalysis, TrellisSettings, compare_values,
};

const ROWS: usize = 300;
const COLS: usize = 140;

fn turned(values: &[f32], cols: usize) -> Vec<f32> {
    let rows = values.len() / cols;
    let at = |i: usize| values[i % rows * cols + i / rows];
    (0..values.len()).map(at).collect()
}

/// The same values coded as they are and transposed, with gains.
fn both(tile: Option<usize>, gains: Gains) -> (EncodedPlane, EncodedPlane) {
    let values = Kind::LoudRows.values(ROWS, COLS, 1);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    let how = preparation(Transform::None, false, tile);
    let analysis =
        TrellisAnalysis::with_gains(matrix, how, TrellisSettings::new(8), gains.clone()).unwrap();
    let step = (0.3 * analysis.energy().sqrt()) as f32;
    let plain = analysis
        .encode(step, &analysis.train(step, 1 << 18))
        .unwrap();
    (plain, transposed(matrix, how, 8, 0.3, gains).unwrap())
}

fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap()
}

#[test]
fn a_transposed_plane_decodes_to_the_transposed_matrix() {
    for tile in [None, Some(140), Some(5000), Some(100)] {
        for gains in [
            Gains::default(),
            Gains {
                rows: None,
                ..fine_gains(ROWS, COLS)
            },
        ] {
            let (plain, plane) = both(tile, gains);
            let expected = turned(&plain.decode().unwrap(), COLS);
            assert!(plane.decode().unwrap() == expected);
            assert_eq!(plain.payload_bytes(), plane.payload_bytes());
            for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
                let meta = meta("t", dtype, &[COLS as u64, ROWS as u64]);
                let file = file_of(meta, EncodedTensor::plane(plane.clone()));
                let reader = HctReader::open(&file).unwrap();
                for threads in [1, 2, 7] {
                    let bytes = pool(threads).install(|| reader.decode(0)).unwrap();
                    assert!(bytes == bytes_of(&expected, dtype), "{dtype} {threads}");
                }
                let sections = reader.sections(0).unwrap();
                let stored = reader.index().tensors[0].stored_bytes();
                assert_eq!(sections.bytes.iter().sum::<u64>(), stored);
            }
        }
    }
}

#[test]
fn gains_of_both_sides_change_the_step_of_rows_and_columns() {
    let values = Kind::Gaussian.values(ROWS, COLS, 5);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    let how = Preparation::tiled(Transform::None);
    // 32 fine units are an octave, of 8 coarse ones.
    for unit in [8, 32] {
        let gains = Gains {
            rows: Some((0..ROWS).map(|r| if r < 150 { unit } else { 0 }).collect()),
            columns: Some((0..COLS).map(|c| if c < 70 { unit } else { 0 }).collect()),
            fine: unit == 32,
        };
        let plane = transposed(matrix, how, 8, 0.1, gains).unwrap();
        let decoded = turned(&plane.decode().unwrap(), ROWS);
        let error = |rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
            let mut sum = 0.0;
            for r in rows {
                for i in cols.clone().map(|c| r * COLS + c) {
                    sum += (f64::from(values[i]) - f64::from(decoded[i])).powi(2);
                }
            }
            sum
        };
        let fine = error(150..ROWS, 70..COLS);
        for (coarser, factor) in [
            (error(0..150, 70..COLS), 4.0),
            (error(150..ROWS, 0..70), 4.0),
            (error(0..150, 0..70), 16.0),
        ] {
            let ratio = coarser / fine / factor;
            assert!((0.8..1.25).contains(&ratio), "{unit}: {ratio}");
        }
        let all = error(0..ROWS, 0..COLS);
        assert!((plane.squared_error() / all - 1.0).abs() < 1e-4);
        let turned_values = turned(&values, COLS);
        let original = MatrixView::from_values(&turned_values, COLS, ROWS).unwrap();
        let compared = plane.compare(original, Dtype::BF16, None, None).unwrap();
        let by_values = plane.decode().unwrap();
        let by_values = compare_values(original, &by_values, Dtype::BF16, None).unwrap();
        assert_eq!(compared.total().error, by_values.total().error);
        assert_eq!(compared.rows.len(), COLS);
    }
}

#[test]
fn transposed_factors_make_the_product() {
    let code = |rows, cols, turn: bool| {
        let values = Kind::Gaussian.values(rows, cols, 3);
        let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
        let how = preparation(Transform::None, false, Some(90));
        match turn {
            true => transposed(matrix, how, 4, 0.3, Gains::default()),
            false => common::trellis(matrix, how, 4, 0.3),
        }
        .unwrap()
    };
    let (left, right) = (code(4, 60, true), code(50, 4, true));
    let (l, r) = (left.decode().unwrap(), right.decode().unwrap());
    let other = code(60, 50, false);
    let mut expected = vec![0f32; 60 * 50];
    hct_core::add_product(&mut expected, &l, &r, 4, 50);
    let last = other.decode().unwrap();
    expected.iter_mut().zip(&last).for_each(|(s, v)| *s += v);
    let fragments = vec![
        EncodedFragment::Product(left, right),
        EncodedFragment::Plane(other),
    ];
    let tensor = EncodedTensor::fragments(fragments).unwrap();
    let file = file_of(meta("t", Dtype::F32, &[60, 50]), tensor);
    let reader = HctReader::open(&file).unwrap();
    assert!(floats_of(&reader.decode(0).unwrap(), Dtype::F32) == expected);
    let said = reader.index().tensors[0].recipe.to_string();
    assert!(said.starts_with("rank 4 (transposed + "), "{said}");
    // Factors that do not fit once they are turned.
    let fragments = vec![EncodedFragment::Product(
        code(60, 4, true),
        code(50, 4, true),
    )];
    assert!(EncodedTensor::fragments(fragments).is_err());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let values = Kind::Gaussian.values(20, 30, 1);
    let matrix = MatrixView::from_values(&values, 20, 30).unwrap();
    let refused = |how: Preparation, gains: Gains| {
        let coded = TrellisAnalysis::with_gains(matrix, how, TrellisSettings::new(4), gains)
            .and_then(TrellisAnalysis::transposed);
        assert!(matches!(coded, Err(Error::Argument { .. })));
    };
    let plain = Preparation::tiled(Transform::None);
    let gains = |rows: usize, columns: usize, g: i32, fine| Gains {
        rows: Some(vec![g; rows]),
        columns: Some(vec![g; columns]),
        fine,
    };
    let most = gains(20, 30, 512, false);
    assert!(TrellisAnalysis::with_gains(matrix, plain, TrellisSettings::new(4), most).is_ok());
    refused(plain, gains(20, 30, 513, false));
    refused(plain, gains(20, 30, -2049, true));
    refused(plain, gains(19, 30, 0, true));
    refused(plain, gains(20, 29, 0, true));
    for transform in [Transform::DctRows, Transform::DctCols, Transform::Dct2] {
        refused(Preparation::tiled(transform), Gains::default());
        refused(Preparation::tiled(transform), gains(20, 30, 0, true));
    }
    let mut means = plain;
    means.remove_means = true;
    refused(means, Gains::default());
    let mut pieces = plain;
    pieces.tile = 10;
    refused(pieces, gains(20, 30, 0, true));
}
