//! Sparse planes of the largest coefficients, the coding of every classic scheme.

use hct_core::{
    EncodedFragment, EncodedTensor, Error, MatrixView, Preparation, Result, Selection,
    SparseFormat, Transform, encode_sparse,
};

use crate::lossless::{bit_for_bit, unchanged};
use crate::{Coded, Preset, TensorView};

/// Block integers and FP16 numbers after a 2-D DCT: of tiles, or of whole matrices as the classic
/// schemes have it.
pub(crate) fn dct2(preset: Preset) -> Preparation {
    Preparation {
        whole: preset == Preset::Classic,
        ..Preparation::tiled(Transform::Dct2)
    }
}

/// The coefficients ranked from `skip` to `keep`, shares of all, in `count` fragments of equal
/// numbers, the largest first.
pub(crate) fn fragments(
    matrix: MatrixView<'_>,
    preparation: Preparation,
    format: SparseFormat,
    (skip, keep): (f64, f64),
    count: usize,
) -> Result<Vec<EncodedFragment>> {
    let edge = |k: usize| skip + (keep - skip) * k as f64 / count as f64;
    (0..count)
        .map(|k| {
            let last = k + 1 == count;
            let selection = Selection {
                skip: edge(k),
                ..if last { keep } else { edge(k + 1) }.into()
            };
            encode_sparse(matrix, preparation, format, selection).map(EncodedFragment::Plane)
        })
        .collect()
}

/// `tensor` by the uniform scheme: the share `retention` of its coefficients as INT4.
pub(crate) fn uniform(
    tensor: TensorView<'_>,
    preparation: Preparation,
    retention: f64,
    count: usize,
    name: &str,
) -> Result<Coded> {
    check_retention(retention)?;
    if let Some(coded) = unchanged(tensor, name)? {
        return Ok(coded);
    }
    let matrix = tensor.matrix()?;
    let format = SparseFormat::Int4;
    let fragments = fragments(matrix, preparation, format, (0.0, retention), count);
    coded(tensor, fragments, name)
}

/// Errs unless `retention` is in (0, 1].
pub(crate) fn check_retention(retention: f64) -> Result<()> {
    if retention > 0.0 && retention <= 1.0 {
        return Ok(());
    }
    Err(Error::Argument {
        what: "retention",
        why: format!("{retention} is not in (0, 1]"),
    })
}

/// The tensor of `fragments`; lossless where its values are not finite or too large to have any.
pub(crate) fn coded(
    tensor: TensorView<'_>,
    fragments: Result<Vec<EncodedFragment>>,
    name: &str,
) -> Result<Coded> {
    match fragments {
        Ok(fragments) => Ok(Coded::new(EncodedTensor::fragments(fragments)?, name)),
        Err(error) if error.is_out_of_range() => lossless(tensor, "values out of range", name),
        Err(error) => Err(error),
    }
}

/// `tensor` losslessly, and `why` in its label.
pub(crate) fn lossless(tensor: TensorView<'_>, why: &str, name: &str) -> Result<Coded> {
    let coded = bit_for_bit(tensor)?;
    let label = format!("{name} ({}: {why})", coded.how);
    Ok(Coded::new(coded.tensor, label))
}
