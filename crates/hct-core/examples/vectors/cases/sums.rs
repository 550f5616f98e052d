//! Tensors of several fragments and products.

use hct_core::{
    Dtype, EncodedFragment, EncodedPlane, EncodedTensor, MatrixView, Result, SparseFormat,
    Transform, encode_sparse,
};

use super::trellis::code;
use super::{Cases, meta, preparation, weights};

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
    Ok(())
}
