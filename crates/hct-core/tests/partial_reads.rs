//! Reading some rows: the same bytes as from decoding all, and only the tiles that hold them.

mod common;

use std::borrow::Cow;
use std::io;
use std::sync::Mutex;

use common::{
    Kind, Rng, bytes_of, column_order, file_of, fine_gains, floats_of, meta, preparation, trellis,
    with_gains,
};
use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, Error, HctReader, MatrixView, ReadAt,
    SparseFormat, Transform, encode_sparse,
};

/// Notes every range read.
struct Noting {
    bytes: Vec<u8>,
    ranges: Mutex<Vec<(u64, usize)>>,
}

impl ReadAt for Noting {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Cow<'_, [u8]>> {
        self.ranges.lock().unwrap().push((offset, len));
        self.bytes.read_at(offset, len)
    }
}

impl Noting {
    /// The non-empty ranges read since the last call, in order of place.
    fn take(&self) -> Vec<(u64, usize)> {
        let mut ranges = std::mem::take(&mut *self.ranges.lock().unwrap());
        ranges.retain(|&(_, len)| len > 0);
        ranges.sort_unstable();
        ranges
    }
}

/// Reads random rows of a tensor of `rows` rows and checks them and what was read for them, which
/// must be `pieces(rows)` ranges.
fn check(file: Vec<u8>, rows: u64, pieces: impl Fn(u64, u64) -> usize) {
    let source = Noting {
        bytes: file,
        ranges: Mutex::default(),
    };
    let reader = HctReader::open(&source).unwrap();
    // The header, the trailer and the index.
    assert_eq!(source.take().len(), 3);
    let all = reader.decode(0).unwrap();
    let everything = source.take();
    assert_eq!(everything.len(), pieces(0, rows));
    let row = all.len() / rows as usize;
    let mut rng = Rng(rows);
    for k in 0..40 {
        let (a, b) = (rng.below(rows as usize + 1), rng.below(rows as usize + 1));
        let (a, b) = if k < 5 {
            (a, (a + 1).min(rows as usize))
        } else {
            (a.min(b), a.max(b))
        };
        let part = reader.tensor(0).unwrap().rows(a as u64..b as u64).unwrap();
        assert_eq!(part.byte_len(), ((b - a) * row) as u64);
        let bytes = part.decode().unwrap();
        assert!(bytes == all[a * row..b * row], "rows {a}..{b}");
        let read = source.take();
        let wanted = if a == b {
            0
        } else {
            pieces(a as u64, b as u64)
        };
        assert_eq!(read.len(), wanted, "rows {a}..{b}");
        assert!(read.iter().all(|range| everything.contains(range)));
        // Into buffers that held something else: the same from the same places.
        let mut buffer = vec![0xa5; bytes.len()];
        part.decode_into(&mut buffer).unwrap();
        assert!(buffer == bytes, "rows {a}..{b}");
        assert_eq!(source.take(), read);
        let mut values = vec![f32::NAN; part.elements() as usize];
        part.decode_f32(&mut values).unwrap();
        let dtype = reader.index().tensors[0].dtype;
        assert!(values == floats_of(&bytes, dtype), "rows {a}..{b}");
        assert_eq!(source.take(), read);
    }
    for size in [1, 1000, 3000, u64::MAX] {
        check_bands(&source, &reader, size, &all, &everything);
    }
    let backwards = std::ops::Range { start: 2, end: 1 };
    for outside in [0..rows + 1, rows + 1..rows + 1, backwards] {
        let error = reader.tensor(0).unwrap().rows(outside).err().unwrap();
        assert!(error.to_string().contains("\"t\""), "{error}");
    }
}

/// Bands make up the tensor, and nothing but what all of them share is read for more than one.
fn check_bands(
    source: &Noting,
    reader: &HctReader<&Noting>,
    size: u64,
    all: &[u8],
    everything: &[(u64, usize)],
) {
    let bands = reader.tensor(0).unwrap().bands(size);
    if size == u64::MAX {
        assert_eq!(bands.len(), 1);
    }
    let decoded = bands.iter().map(|band| band.decode().unwrap());
    assert!(decoded.collect::<Vec<_>>().concat() == all, "{size}");
    let read = source.take();
    let mut shared = 0;
    for range in everything {
        match read.iter().filter(|&other| other == range).count() {
            1 => {}
            times => {
                assert_eq!(times, bands.len(), "{range:?} in bands of {size}");
                shared += 1;
            }
        }
    }
    assert!(shared <= 3, "{shared} of {}", everything.len());
    assert_eq!(read.len(), everything.len() + shared * (bands.len() - 1));
    // Those of some rows are of these rows.
    let rows = reader.index().tensors[0]
        .shape
        .first()
        .copied()
        .unwrap_or(1);
    let part = reader.tensor(0).unwrap().rows(rows / 3..rows).unwrap();
    let bands = part.bands(size);
    let decoded: Vec<_> = bands.iter().map(|band| band.decode().unwrap()).collect();
    assert!(decoded.concat() == part.decode().unwrap(), "{size}");
    source.take();
}

fn check_plane(plane: EncodedPlane, dtype: Dtype) {
    let recipe = *plane.recipe();
    let meta = meta("t", dtype, &[recipe.rows as u64, recipe.cols as u64]);
    let file = file_of(meta, EncodedTensor::plane(plane));
    let shared =
        usize::from(recipe.to_string().contains("mean + ") || recipe.to_string().contains("rans"));
    let per_band = recipe.cols.div_ceil(recipe.tile_cols);
    let bands = |rows: u64| rows as usize / recipe.tile_rows;
    check(file, recipe.rows as u64, |a, b| {
        let touched = bands(b + recipe.tile_rows as u64 - 1) - bands(a);
        shared
            + if recipe.whole {
                recipe.tiles()
            } else {
                touched * per_band
            }
    });
}

const ROWS: usize = 60;
const COLS: usize = 50;

#[test]
fn rows_of_sparse_planes() {
    let values = Kind::LowRank.values(ROWS, COLS, 1);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    for (i, format) in [SparseFormat::Int4, SparseFormat::Int8, SparseFormat::Half]
        .into_iter()
        .enumerate()
    {
        for (t, transform) in Transform::ALL.into_iter().enumerate() {
            // Bands of rows, pieces of rows, one tile.
            for tile in [Some(400), Some(20), None] {
                for whole in [false, true] {
                    let mut how = preparation(transform, whole, tile);
                    how.remove_means = t == i;
                    let plane = encode_sparse(matrix, how, format, 0.7).unwrap();
                    check_plane(plane, [Dtype::F32, Dtype::F16, Dtype::BF16][t % 3]);
                }
            }
        }
    }
}

#[test]
fn rows_of_trellis_planes() {
    let values = Kind::LoudRows.values(ROWS, COLS, 2);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    for states in [1, 4, 8, 16, 32] {
        for transform in Transform::ALL {
            for (tile, whole) in [(Some(400), false), (Some(20), false), (Some(400), true)] {
                let mut how = preparation(transform, whole, tile);
                how.remove_means = states == 4;
                check_plane(trellis(matrix, how, states, 0.4).unwrap(), Dtype::BF16);
            }
        }
    }
    let gains = (0..ROWS as i32).map(|r| r % 9 - 4).collect();
    let how = preparation(Transform::DctRows, false, Some(300));
    check_plane(with_gains(matrix, how, 8, 0.4, gains).unwrap(), Dtype::F32);
}

#[test]
fn rows_of_planes_in_column_order() {
    let values = Kind::LoudRows.values(ROWS, COLS, 2);
    let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
    for (tile, means) in [(None, false), (Some(400), false), (Some(170), true)] {
        let mut how = preparation(Transform::None, false, tile);
        how.remove_means = means;
        for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
            let plane = column_order(matrix, how, 8, 0.4, fine_gains(ROWS, COLS)).unwrap();
            check_plane(plane.clone(), dtype);
            // Rows of the tensor that are two of the matrix, and half of one.
            let (rows, cols, height) = (ROWS as u64, COLS as u64, plane.recipe().tile_rows as u64);
            let touched = |a: u64, b: u64| (b.div_ceil(height) - a / height) as usize;
            let file = |shape: &[u64]| {
                let meta = meta("t", dtype, shape);
                file_of(meta, EncodedTensor::plane(plane.clone()))
            };
            check(file(&[rows / 2, 2, cols]), rows / 2, |a, b| {
                1 + touched(2 * a, 2 * b)
            });
            check(file(&[2 * rows, cols / 2]), 2 * rows, |a, b| {
                1 + touched(a / 2, b.div_ceil(2))
            });
        }
    }
}

#[test]
fn rows_of_tensors_of_other_ranks() {
    // [12, 5, 7, 3] folds to 60 × 21: a row of the tensor is five of the matrix.
    let values = Kind::Gaussian.values(60, 21, 3);
    let matrix = MatrixView::from_values(&values, 60, 21).unwrap();
    let plane = trellis(
        matrix,
        preparation(Transform::None, false, Some(21 * 8)),
        8,
        0.3,
    )
    .unwrap();
    let file = file_of(
        meta("t", Dtype::F16, &[12, 5, 7, 3]),
        EncodedTensor::plane(plane),
    );
    check(file, 12, |a, b| {
        1 + (5 * b).div_ceil(8) as usize - (5 * a / 8) as usize
    });
    // [1, 1260] is one row, [1260, 1] many.
    let matrix = MatrixView::from_values(&values, 1260, 1).unwrap();
    let plane = trellis(
        matrix,
        preparation(Transform::None, false, Some(100)),
        8,
        0.3,
    )
    .unwrap();
    check_plane(plane, Dtype::F32);
    let matrix = MatrixView::from_values(&values, 1, 1260).unwrap();
    let plane = trellis(
        matrix,
        preparation(Transform::None, false, Some(100)),
        8,
        0.3,
    )
    .unwrap();
    check_plane(plane, Dtype::F32);
}

#[test]
fn rows_of_lossless_tensors() {
    // 6 MB of F32 in three tiles of 2 MiB; a row of 1500 bytes may lie across two.
    let values = Kind::Gaussian.values(4000, 375, 5);
    let meta = meta("t", Dtype::F32, &[4000, 375]);
    let tensor = EncodedTensor::lossless(&meta, &bytes_of(&values, Dtype::F32)).unwrap();
    check(file_of(meta, tensor), 4000, |a, b| {
        ((b * 1500).div_ceil(1 << 21) - a * 1500 / (1 << 21)) as usize
    });
}

#[test]
fn rows_of_sums_come_from_tiles_of_all_fragments() {
    let code = |seed| {
        let values = Kind::Gaussian.values(ROWS, COLS, seed);
        let matrix = MatrixView::from_values(&values, ROWS, COLS).unwrap();
        trellis(
            matrix,
            preparation(Transform::None, false, Some(400)),
            4,
            0.5,
        )
        .unwrap()
    };
    let (a, b) = (code(1), code(2));
    let sum: Vec<f32> = a
        .decode()
        .unwrap()
        .iter()
        .zip(b.decode().unwrap())
        .map(|(a, b)| a + b)
        .collect();
    let tile_rows = a.recipe().tile_rows;
    let tensor =
        EncodedTensor::fragments(vec![EncodedFragment::Plane(a), EncodedFragment::Plane(b)])
            .unwrap();
    let file = file_of(meta("t", Dtype::F32, &[ROWS as u64, COLS as u64]), tensor);
    let read = HctReader::open(&file)
        .unwrap()
        .tensor(0)
        .and_then(|t| t.rows(3..9)?.decode())
        .unwrap();
    assert!(floats_of(&read, Dtype::F32) == sum[3 * COLS..9 * COLS]);
    // Of both what its tiles share, and the tiles of the rows.
    check(file, ROWS as u64, |a, b| {
        2 * (1 + (b as usize).div_ceil(tile_rows) - a as usize / tile_rows)
    });
}

#[test]
fn rows_of_products_come_from_rows_of_the_left_factor() {
    let code = |rows, cols, whole| {
        let values = Kind::Gaussian.values(rows, cols, 7);
        let matrix = MatrixView::from_values(&values, rows, cols).unwrap();
        let tile = Some(if whole { 400 } else { 8 * cols });
        trellis(matrix, preparation(Transform::Dct2, whole, tile), 4, 0.5).unwrap()
    };
    const RANK: usize = 5;
    for whole in [false, true] {
        let left = code(ROWS, RANK, false);
        let (right, sum) = (code(RANK, COLS, false), code(ROWS, COLS, whole));
        let (of_left, of_sum) = (left.recipe().tile_rows, sum.recipe().tile_rows);
        let all_of_right = 1 + right.recipe().tiles();
        let all_of_sum = sum.recipe().tiles();
        let fragments = vec![
            EncodedFragment::Product(left, right),
            EncodedFragment::Plane(sum),
        ];
        let tensor = EncodedTensor::fragments(fragments).unwrap();
        // A row of the tensor is three of the matrix.
        let file = file_of(meta("t", Dtype::BF16, &[20, 3, COLS as u64]), tensor);
        check(file, 20, |a, b| {
            let (a, b) = (3 * a as usize, 3 * b as usize);
            let touched = |rows| b.div_ceil(rows) - a / rows;
            let of_sum = if whole { all_of_sum } else { touched(of_sum) };
            1 + touched(of_left) + all_of_right + 1 + of_sum
        });
    }
}

#[test]
fn buffers_of_another_length_and_values_of_other_types_are_refused() {
    let meta = meta("t", Dtype::I16, &[4, 3]);
    let tensor = EncodedTensor::lossless(&meta, &[7; 24]).unwrap();
    let file = file_of(meta, tensor);
    let reader = HctReader::open(&file).unwrap();
    let part = reader.tensor(0).unwrap().rows(1..3).unwrap();
    assert_eq!((part.byte_len(), part.elements()), (12, 6));
    // The message names the tensor, and its source says the rest.
    let said = |error: Error| {
        assert!(error.to_string().contains("\"t\""), "{error}");
        std::error::Error::source(&error).unwrap().to_string()
    };
    for len in [0, 11, 13, 24] {
        let why = said(part.decode_into(&mut vec![0; len]).unwrap_err());
        assert!(why.contains("12"), "{why}");
    }
    let why = said(part.decode_f32(&mut [0.0; 6]).unwrap_err());
    assert!(why.contains("I16"), "{why}");
    assert!(reader.tensor(1).is_err() && reader.decode(1).is_err() && reader.sections(1).is_err());
    assert_eq!(reader.find("t").unwrap(), 0);
    assert!(reader.find("T").is_err());
}

#[test]
fn packed_elements_are_read_by_whole_bytes() {
    let (odd, even) = (
        meta("odd", Dtype::F4, &[2, 3]),
        meta("even", Dtype::F4, &[3, 4]),
    );
    for (meta, bytes) in [(odd, vec![1, 2, 3]), (even, vec![1, 2, 3, 4, 5, 6])] {
        let whole = meta.name == "even";
        let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
        let file = file_of(meta, tensor);
        let reader = HctReader::open(&file).unwrap();
        assert_eq!(reader.tensor(0).unwrap().elements(), 2 * bytes.len() as u64);
        match reader.tensor(0).unwrap().rows(1..2) {
            Ok(part) => assert!(whole && part.decode().unwrap() == bytes[2..4]),
            Err(_) => assert!(!whole),
        }
    }
}
