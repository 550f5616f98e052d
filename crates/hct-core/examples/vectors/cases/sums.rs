//! Tensors of several fragments and products.

use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, MatrixView, Result, SparseFormat,
    Transform, encode_sparse,
};

use super::trellis::code;
use super::{Cases, meta, noise, preparation, weights};

const ROWS: usize = 66;
const COLS: usize = 50;
const RANK: usize = 3;

pub(super) fn add(cases: &mut Cases) -> Result<()> {
    let how = preparation(Transform::None, false, false, 2000);
    let values = weights(ROWS, COLS);
    let coarse = code(&values, (ROWS, COLS), how, 8, None, 0.3)?;
    let rest: Vec<f32> = values
        .iter()
        .zip(coarse.decode()?)
        .map(|(a, b)| a - b)
        .collect();
    let rest = MatrixView::from_values(&rest, ROWS, COLS)?;
    let fine = encode_sparse(rest, how, SparseFormat::Int8, 0.2)?;
    let left = weights(ROWS, RANK);
    let left = MatrixView::from_values(&left, ROWS, RANK)?;
    let left = encode_sparse(left, how, SparseFormat::Half, 1.0)?;
    let right = code(&weights(RANK, COLS), (RANK, COLS), how, 4, None, 0.02)?;
    let product = || EncodedFragment::Product(left.clone(), right.clone());
    let plane = |p: &EncodedPlane| EncodedFragment::Plane(p.clone());
    let two = vec![plane(&coarse), plane(&fine)];
    let three = vec![plane(&coarse), product(), plane(&fine)];
    for (name, dtype, fragments) in [
        ("sum_of_two", Dtype::F32, two),
        ("sum_of_three", Dtype::BF16, three),
        ("product", Dtype::F16, vec![product()]),
    ] {
        let meta = meta("w", dtype, &[ROWS as u64, COLS as u64]);
        cases.tensors(name, vec![(meta, EncodedTensor::fragments(fragments)?)])?;
    }
    zeros(cases)?;
    shapes(cases)?;
    factors(cases)
}

/// A plane of FP16 numbers, which keep the sign of a zero.
pub(super) fn halves(values: &[f32], (rows, cols): (usize, usize)) -> Result<EncodedPlane> {
    let matrix = MatrixView::from_values(values, rows, cols)?;
    let how = preparation(Transform::None, false, false, 1 << 20);
    encode_sparse(matrix, how, SparseFormat::Half, 1.0)
}

/// Planes of zeros of both signs, in every pair, and numbers that cancel; and products of such.
pub(super) fn zero_terms() -> Result<[EncodedFragment; 3]> {
    let first = halves(&[-0.0, -0.0, 0.0, 0.0, 1.0, -1.0, -0.0, 2.0], (2, 4))?;
    let second = halves(&[-0.0, 0.0, -0.0, 0.0, -1.0, 1.0, -3.0, -0.0], (2, 4))?;
    let left = halves(&[-0.0, 1.0], (2, 1))?;
    let right = halves(&[1.0, -0.0, -1.0, 0.0], (1, 4))?;
    Ok([
        EncodedFragment::Plane(first),
        EncodedFragment::Plane(second),
        EncodedFragment::Product(left, right),
    ])
}

fn zeros(cases: &mut Cases) -> Result<()> {
    let mut tensors = Vec::new();
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        let [a, b, c] = zero_terms()?;
        let planes = EncodedTensor::fragments(vec![a, b, c])?;
        let [a, b, c] = zero_terms()?;
        let product_first = EncodedTensor::fragments(vec![c, a, b])?;
        for (order, tensor) in [("planes", planes), ("product", product_first)] {
            let name = format!("{order} first, {dtype}");
            tensors.push((meta(&name, dtype, &[2, 4]), tensor));
        }
    }
    cases.tensors("sum_of_zeros", tensors)?;
    // As many fragments as there may be.
    let fragments =
        (0..64).map(|i| halves(&[noise(i), noise(i + 64)], (1, 2)).map(EncodedFragment::Plane));
    let sum = EncodedTensor::fragments(fragments.collect::<Result<_>>()?)?;
    cases.tensors("sum_of_64", vec![(meta("w", Dtype::F16, &[2]), sum)])
}

/// Fragments of tensors of any number of dimensions, folded as encoders fold them and otherwise.
fn shapes(cases: &mut Cases) -> Result<()> {
    let how = preparation(Transform::None, false, false, 50);
    let values = weights(12, 10);
    let mut tensors = Vec::new();
    for (shape, rows, cols) in [
        (&[][..], 1, 1),
        (&[1, 1, 1], 1, 1),
        (&[120], 1, 120),
        (&[120], 12, 10),
        (&[2, 3, 4, 5], 6, 20),
        (&[2, 3, 4, 5], 8, 15),
        (&[2, 3, 4, 5], 120, 1),
        (&[120, 1], 10, 12),
        (&[5, 1, 24], 20, 6),
    ] {
        let n = rows * cols;
        let plane = code(&values[..n], (rows, cols), how, 4, None, 0.1)?;
        let rest = halves(&values[120 - n..], (rows, cols))?;
        let two = [plane.clone(), rest].map(EncodedFragment::Plane).into();
        let name = format!("{shape:?} as {rows} x {cols}");
        let of = |name: &str| meta(name, Dtype::F32, shape);
        tensors.push((of(&name), EncodedTensor::plane(plane)));
        tensors.push((of(&format!("{name}, sum")), EncodedTensor::fragments(two)?));
    }
    cases.tensors("fragments_shapes", tensors)
}

/// Factors with means, transforms and tilings of their own.
pub(super) fn factors_of(rows: usize, cols: usize) -> Result<EncodedFragment> {
    let how = preparation(Transform::DctCols, true, true, 40);
    let left = code(&weights(rows, RANK), (rows, RANK), how, 8, None, 0.02)?;
    let right = weights(RANK, cols);
    let right = MatrixView::from_values(&right, RANK, cols)?;
    let how = preparation(Transform::DctRows, false, true, 20);
    let right = encode_sparse(right, how, SparseFormat::Int8, 0.8)?;
    Ok(EncodedFragment::Product(left, right))
}

fn factors(cases: &mut Cases) -> Result<()> {
    let tensor = EncodedTensor::fragments(vec![factors_of(30, 25)?])?;
    let meta = meta("w", Dtype::F16, &[30, 25]);
    cases.tensors("product_transformed", vec![(meta, tensor)])
}
