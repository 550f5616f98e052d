//! Column order and gains of both sides: what they decode to, and what their flags go with.

mod common;

use common::{
    Kind, bytes_of, column_order, file_of, fine_gains, floats_of, meta, preparation, squared_error,
    trellis,
};
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

fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap()
}

fn coded(values: &[f32], rows: usize, how: Preparation, gains: Gains, turn: bool) -> EncodedPlane {
    let matrix = MatrixView::from_values(values, rows, values.len() / rows).unwrap();
    let settings = TrellisSettings::new(8);
    let mut analysis = TrellisAnalysis::with_gains(matrix, how, settings, gains).unwrap();
    if turn {
        analysis = analysis.column_order().unwrap();
    }
    let step = 0.05;
    analysis
        .encode(step, &analysis.train(step, 1 << 18))
        .unwrap()
}

#[test]
fn symbols_of_a_tile_run_down_its_columns() {
    // Without scales, and with a quantizer that has no memory, column order is the row order of
    // the transposed matrix, byte for byte.
    let values = Kind::Gaussian.values(ROWS, COLS, 1);
    let turned = turned(&values, COLS);
    let mut settings = TrellisSettings::new(1);
    settings.max_classes = 1;
    let analysis = |values, rows, cols| {
        let matrix = MatrixView::from_values(values, rows, cols).unwrap();
        TrellisAnalysis::new(matrix, Preparation::tiled(Transform::None), settings).unwrap()
    };
    let encode = |analysis: TrellisAnalysis<'_>, shape: [usize; 2]| {
        let step = (0.3 * analysis.energy().sqrt()) as f32;
        let training = analysis.train(step, 1 << 18);
        let plane = analysis.encode(step, &training).unwrap();
        let meta = meta("t", Dtype::F32, &shape.map(|n| n as u64));
        let decoded = plane.decode().unwrap();
        let bytes = plane.payload_bytes();
        let file = file_of(meta, EncodedTensor::plane(plane));
        (decoded, file[..16 + bytes].to_vec())
    };
    let columns = analysis(&values, ROWS, COLS).column_order().unwrap();
    let (columns, payload) = encode(columns, [ROWS, COLS]);
    let (rows, expected) = encode(analysis(&turned, COLS, ROWS), [COLS, ROWS]);
    assert!(columns == self::turned(&rows, ROWS));
    assert!(payload == expected);
}

#[test]
fn all_ways_to_decode_agree_and_are_near() {
    let values = Kind::LoudRows.values(ROWS, COLS, 1);
    for tile in [None, Some(140), Some(5000)] {
        for gains in [Gains::default(), fine_gains(ROWS, COLS)] {
            for means in [false, true] {
                let mut how = preparation(Transform::None, false, tile);
                how.remove_means = means;
                let in_rows = coded(&values, ROWS, how, gains.clone(), false);
                let plane = coded(&values, ROWS, how, gains.clone(), true);
                let expected = plane.decode().unwrap();
                let error = squared_error(&values, &expected);
                assert!((plane.squared_error() / error - 1.0).abs() < 1e-3);
                let other = in_rows.squared_error();
                assert!((0.9..1.1).contains(&(error / other)), "{error} {other}");
                for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
                    let meta = meta("t", dtype, &[ROWS as u64, COLS as u64]);
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
}

#[test]
fn gains_of_both_sides_change_the_step_of_rows_and_columns() {
    let values = Kind::Gaussian.values(ROWS, COLS, 5);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    // 32 fine units are an octave, of 8 coarse ones.
    for (unit, tile) in [(8, None), (32, None), (32, Some(5000))] {
        let how = preparation(Transform::None, false, tile);
        let gains = Gains {
            rows: Some((0..ROWS).map(|r| if r < 150 { unit } else { 0 }).collect()),
            columns: Some((0..COLS).map(|c| if c < 70 { unit } else { 0 }).collect()),
            fine: unit == 32,
        };
        let plane = column_order(matrix, how, 8, 0.1, gains).unwrap();
        let decoded = plane.decode().unwrap();
        let error = |rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
            let mut sum = 0.0;
            for r in rows {
                let row = r * COLS + cols.start..r * COLS + cols.end;
                sum += squared_error(&values[row.clone()], &decoded[row]);
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
        let compared = plane.compare(matrix, Dtype::BF16, None, None).unwrap();
        let by_values = compare_values(matrix, &decoded, Dtype::BF16, None).unwrap();
        let (a, b) = (compared.total().error, by_values.total().error);
        assert!((a / b - 1.0).abs() < 1e-12);
        assert_eq!(compared.rows.len(), ROWS);
    }
}

#[test]
fn factors_in_column_order_make_the_product() {
    let code = |rows, cols, turn: bool| {
        let values = Kind::Gaussian.values(rows, cols, 3);
        let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
        let how = preparation(Transform::None, false, Some(90));
        match turn {
            true => column_order(matrix, how, 4, 0.3, Gains::default()),
            false => trellis(matrix, how, 4, 0.3),
        }
        .unwrap()
    };
    let (left, right) = (code(60, 4, true), code(4, 50, true));
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
    assert!(said.starts_with("rank 4 (column order + "), "{said}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let values = Kind::Gaussian.values(20, 30, 1);
    let matrix = MatrixView::from_values(&values, 20, 30).unwrap();
    let analysis =
        |how, gains| TrellisAnalysis::with_gains(matrix, how, TrellisSettings::new(4), gains);
    let refused = |how: Preparation, gains: Gains| {
        let coded = analysis(how, gains).and_then(TrellisAnalysis::column_order);
        assert!(matches!(coded, Err(Error::Argument { .. })));
    };
    let plain = Preparation::tiled(Transform::None);
    let gains = |rows: usize, columns: usize, g: i32, fine| Gains {
        rows: Some(vec![g; rows]),
        columns: Some(vec![g; columns]),
        fine,
    };
    for most in [gains(20, 30, 512, false), gains(20, 30, -2048, true)] {
        assert!(analysis(plain, most).unwrap().column_order().is_ok());
    }
    refused(plain, gains(20, 30, 513, false));
    refused(plain, gains(20, 30, -2049, true));
    refused(plain, gains(19, 30, 0, true));
    refused(plain, gains(20, 29, 0, true));
    for transform in [Transform::DctRows, Transform::DctCols, Transform::Dct2] {
        refused(Preparation::tiled(transform), Gains::default());
        refused(Preparation::tiled(transform), gains(20, 30, 0, true));
    }
    let mut whole = plain;
    whole.whole = true;
    refused(whole, Gains::default());
    let mut pieces = plain;
    pieces.tile = 10;
    refused(pieces, Gains::default());
}
