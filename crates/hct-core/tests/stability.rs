//! The same bytes from the same input: for any number of threads, from one build to the next, and
//! at every SIMD level (CI runs these tests with `HCT_SIMD` at each that its CPU has).

mod common;

use common::{
    Kind, bytes_of, column_order, file_of, fine_gains, meta, preparation, trellis, with_gains,
};
use hct_core::{
    Dtype, EncodedTensor, HctReader, MatrixView, Preparation, SparseFormat, Transform,
    encode_sparse,
};

/// CRC-32 of files and of the tensors decoded from them.
///
/// A changed file CRC alone means that the encoder decides otherwise: fine when intended, then
/// put in the new value, which the failing test prints. When a decoded CRC changes for the same
/// file, or files of the old encoder no longer read, the *format* changed: that takes a new
/// version in `FORMAT_VERSION` and docs/FORMAT.md.
const GOLDEN: &[(&str, u32, u32)] = &[
    ("int4 0.98", 0x174c7af6, 0x645c01b6),
    ("int4 0.02", 0x12c239cf, 0xea4f0597),
    ("int8 0.5", 0xea5785dd, 0x5f5fae8e),
    ("half 0.3", 0x1e9b993c, 0x2611c004),
    ("scalar", 0x075cb339, 0xe1dfc512),
    ("trellis4 means", 0x12db33fb, 0x1182f127),
    ("trellis8 classes", 0x0d866697, 0x6f4dc434),
    ("trellis8 whole dct2", 0xda23f547, 0x8f21c7eb),
    ("trellis8 gains", 0x97dbf937, 0x4fc56cbb),
    ("trellis8 patches", 0x8a12aa40, 0x4af0aac6),
    ("trellis8 columns", 0x870639fe, 0xc6871534),
    ("trellis16 dct-cols", 0x58825f23, 0x1c3769a1),
    ("trellis32 one tile", 0xb71be150, 0x9381f283),
    ("lossless BF16", 0x145a9115, 0xb477c99a),
    ("lossless F16", 0xf90a735d, 0xa9aebe59),
    ("lossless F32", 0x083c5c1c, 0x59eeab43),
];

/// A file of each recipe from fixed inputs.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let (rows, cols) = (200, 168);
    let shape = meta("t", Dtype::BF16, &[rows as u64, cols as u64]);
    let noise = Kind::HeavyTails.values(rows, cols, 1);
    let noise = MatrixView::from_values(&noise, rows, cols).unwrap();
    let loud = Kind::LoudRows.values(rows, cols, 2);
    let loud = MatrixView::from_values(&loud, rows, cols).unwrap();
    let huge = Kind::HugeOutlier.values(rows, cols, 3);
    let huge = MatrixView::from_values(&huge, rows, cols).unwrap();
    let tiles = |transform| preparation(transform, false, Some(8000));
    let whole = |transform| preparation(transform, true, Some(8000));
    let means = Preparation {
        remove_means: true,
        ..tiles(Transform::None)
    };
    let gains = (0..rows as i32).map(|r| r % 17 - 8).collect();
    let sparse = |how, format, retention| encode_sparse(noise, how, format, retention);
    let planes = [
        (
            "int4 0.98",
            sparse(tiles(Transform::Dct2), SparseFormat::Int4, 0.98),
        ),
        (
            "int4 0.02",
            sparse(whole(Transform::Dct2), SparseFormat::Int4, 0.02),
        ),
        (
            "int8 0.5",
            sparse(tiles(Transform::DctRows), SparseFormat::Int8, 0.5),
        ),
        (
            "half 0.3",
            sparse(tiles(Transform::DctCols), SparseFormat::Half, 0.3),
        ),
        ("scalar", trellis(noise, tiles(Transform::None), 1, 0.5)),
        ("trellis4 means", trellis(noise, means, 4, 0.5)),
        (
            "trellis8 classes",
            trellis(loud, tiles(Transform::None), 8, 0.3),
        ),
        (
            "trellis8 whole dct2",
            trellis(noise, whole(Transform::Dct2), 8, 1.0),
        ),
        (
            "trellis8 gains",
            with_gains(loud, tiles(Transform::DctRows), 8, 0.4, gains),
        ),
        (
            "trellis8 patches",
            trellis(huge, tiles(Transform::None), 8, 1e-6),
        ),
        (
            "trellis8 columns",
            column_order(loud, tiles(Transform::None), 8, 0.4, fine_gains(rows, cols)),
        ),
        (
            "trellis16 dct-cols",
            trellis(noise, tiles(Transform::DctCols), 16, 0.7),
        ),
        (
            "trellis32 one tile",
            trellis(noise, Preparation::tiled(Transform::None), 32, 0.2),
        ),
    ];
    let mut out: Vec<_> = planes
        .into_iter()
        .map(|(name, plane)| {
            (
                name,
                file_of(shape.clone(), EncodedTensor::plane(plane.unwrap())),
            )
        })
        .collect();
    for (name, dtype) in [
        ("lossless BF16", Dtype::BF16),
        ("lossless F16", Dtype::F16),
        ("lossless F32", Dtype::F32),
    ] {
        let meta = meta("t", dtype, &[rows as u64, cols as u64]);
        let bytes = bytes_of(&Kind::Gaussian.values(rows, cols, 4), dtype);
        let tensor = EncodedTensor::lossless(&meta, &bytes).unwrap();
        out.push((name, file_of(meta, tensor)));
    }
    out
}

fn decoded(file: &[u8]) -> Vec<u8> {
    HctReader::open(file).unwrap().decode(0).unwrap()
}

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}

#[test]
fn the_level_asked_for_is_the_one_that_runs() {
    let level = hct_core::simd_level().expect("a level that this CPU has");
    if let Ok(asked) = std::env::var("HCT_SIMD") {
        assert_eq!(level.name(), asked);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let one = with_threads(1, files);
    for threads in [2, 5] {
        assert!(with_threads(threads, files) == one, "{threads} threads");
    }
    for (name, file) in &one {
        let alone = with_threads(1, || decoded(file));
        assert!(with_threads(3, || decoded(file)) == alone, "{name}");
    }
}

#[test]
fn a_large_plane_of_many_tiles_does_not_depend_on_threads() {
    let code = || {
        let values = Kind::LoudRows.values(768, 1024, 5);
        let matrix = MatrixView::from_values(&values, 768, 1024).unwrap();
        let plane = trellis(
            matrix,
            preparation(Transform::None, false, Some(1 << 15)),
            8,
            0.4,
        );
        let uniform = encode_sparse(
            matrix,
            preparation(Transform::Dct2, false, Some(1 << 15)),
            SparseFormat::Int4,
            0.9,
        );
        [plane, uniform].map(|plane| {
            let plane = plane.unwrap();
            let error = plane.squared_error().to_bits();
            let meta = meta("t", Dtype::F32, &[768, 1024]);
            (error, file_of(meta, EncodedTensor::plane(plane)))
        })
    };
    assert!(with_threads(1, code) == with_threads(2, code));
}

#[test]
fn encoded_bytes_are_those_of_before() {
    let now: Vec<_> = files()
        .iter()
        .map(|(name, file)| {
            (
                *name,
                crc32fast::hash(file),
                crc32fast::hash(&decoded(file)),
            )
        })
        .collect();
    let table: String = now
        .iter()
        .map(|(name, file, tensor)| format!("    (\"{name}\", {file:#010x}, {tensor:#010x}),\n"))
        .collect();
    assert!(now == GOLDEN, "the golden values are now\n{table}");
}
