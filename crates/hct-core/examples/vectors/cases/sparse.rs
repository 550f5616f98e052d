//! Sparse planes: block quantizers of 4 and 8 bits and FP16, every way positions are coded.

use hct_core::{
    Dtype, EncodedTensor, MatrixView, Result, Selection, SparseFormat, Transform, encode_sparse,
};

use super::{Cases, meta, noise, preparation, weights};

const FORMATS: [(&str, SparseFormat); 3] = [
    ("int4", SparseFormat::Int4),
    ("int8", SparseFormat::Int8),
    ("half", SparseFormat::Half),
];

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    let (rows, cols) = (66, 50);
    let values = weights(rows, cols);
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    for (label, format) in FORMATS {
        // All, nearly all, half (with means), few, and a handful of values kept; two tiles.
        for retention in [1.0, 0.98, 0.5, 0.05, 0.004] {
            let how = preparation(Transform::None, false, retention == 0.5, 2000);
            let plane = encode_sparse(matrix, how, format, retention)?;
            cases.plane(format!("{label}_keep_{retention}"), Dtype::F32, plane)?;
        }
        let how = preparation(Transform::Dct2, false, false, 1 << 20);
        let plane = encode_sparse(matrix, how, format, 0.9)?;
        cases.plane(format!("{label}_dct2"), Dtype::F16, plane)?;
        let how = preparation(Transform::DctRows, true, true, 1000);
        let plane = encode_sparse(matrix, how, format, 0.3)?;
        cases.plane(format!("{label}_whole"), Dtype::BF16, plane)?;
    }
    transforms(cases)?;
    nothing_kept(cases)?;
    pieces(cases)?;
    stripes(cases)?;
    extremes(cases)
}

/// Kept positions that repeat from row to row, so that the mask codes them in contexts.
fn stripes(cases: &mut Cases) -> Result<()> {
    let (rows, cols) = (64, 200);
    let values: Vec<f32> = (0..rows * cols)
        .map(|i| noise(i) * if i % cols / 20 % 2 == 0 { 10.0 } else { 0.1 })
        .collect();
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    let how = preparation(Transform::None, false, false, 1 << 20);
    let plane = encode_sparse(matrix, how, SparseFormat::Int4, 0.45)?;
    cases.plane("int4_stripes", Dtype::F16, plane)
}

/// Values across the range of f32, rounded to types that cannot hold it.
fn extremes(cases: &mut Cases) -> Result<()> {
    let values: Vec<f32> = (0..640)
        .map(|i| noise(i) * 2f32.powi(i as i32 / 32 * 13 - 130))
        .chain([f32::MAX, f32::MIN, f32::from_bits(3), -0.0])
        .collect();
    let how = preparation(Transform::None, false, false, 1 << 20);
    for (label, format) in &FORMATS[1..] {
        for (end, count) in [("large", 644), ("small", 64)] {
            let matrix = MatrixView::from_values(&values[..count], 4, count / 4)?;
            for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
                let plane = encode_sparse(matrix, how, *format, 1.0)?;
                let name = format!("{label}_{end}_{}", dtype.name().to_lowercase());
                cases.plane(name, dtype, plane)?;
            }
        }
    }
    Ok(())
}

/// Every transform, of tiles and of the whole, the latter in one tile and in several with means.
fn transforms(cases: &mut Cases) -> Result<()> {
    let (rows, cols) = (11, 19);
    let values: Vec<f32> = (0..rows * cols).map(noise).collect();
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    for (label, format) in FORMATS {
        let mut tensors = Vec::new();
        for transform in [Transform::DctRows, Transform::DctCols, Transform::Dct2] {
            for (scope, whole, means, tile) in [
                ("tiles", false, false, 100),
                ("tiles, means", false, true, 100),
                ("whole", true, true, 100),
                ("whole, one tile", true, false, 1000),
            ] {
                let how = preparation(transform, whole, means, tile);
                let plane = encode_sparse(matrix, how, format, 0.7)?;
                let name = format!("{}, {scope}", transform.name());
                let meta = meta(&name, Dtype::BF16, &[rows as u64, cols as u64]);
                tensors.push((meta, EncodedTensor::plane(plane)));
            }
        }
        cases.tensors(format!("{label}_transforms"), tensors)?;
    }
    Ok(())
}

/// Tiles of which no value is kept, but for means.
fn nothing_kept(cases: &mut Cases) -> Result<()> {
    let (rows, cols) = (6, 8);
    let values = weights(rows, cols);
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    let mut tensors = Vec::new();
    for (label, format) in FORMATS {
        for means in [false, true] {
            let how = preparation(Transform::None, false, means, 16);
            let nothing = Selection {
                skip: 0.01,
                ..0.02.into()
            };
            let plane = encode_sparse(matrix, how, format, nothing)?;
            assert_eq!(plane.kept(), 0);
            let meta = meta(&format!("{label} {means}"), Dtype::F32, &[6, 8]);
            tensors.push((meta, EncodedTensor::plane(plane)));
        }
    }
    cases.tensors("sparse_nothing_kept", tensors)
}

/// Tiles that are pieces of a row, with means and transforms.
fn pieces(cases: &mut Cases) -> Result<()> {
    let (rows, cols) = (3, 101);
    let values = weights(rows, cols);
    let matrix = MatrixView::from_values(&values, rows, cols)?;
    let mut tensors = Vec::new();
    for (label, format) in FORMATS {
        for (transform, whole, means) in [
            (Transform::None, false, false),
            (Transform::None, false, true),
            (Transform::DctRows, false, true),
            (Transform::Dct2, true, true),
        ] {
            let how = preparation(transform, whole, means, 40);
            let plane = encode_sparse(matrix, how, format, 0.6)?;
            let name = format!("{label}, {}, {means}, {whole}", transform.name());
            let meta = meta(&name, Dtype::F16, &[rows as u64, cols as u64]);
            tensors.push((meta, EncodedTensor::plane(plane)));
        }
    }
    cases.tensors("sparse_pieces", tensors)
}
