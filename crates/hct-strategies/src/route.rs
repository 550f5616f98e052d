//! Which tensors are not for lossy coding.

use std::fmt;

use hct_core::{Error, MatrixView, Result, element_count, fold};

use crate::TensorView;

/// Tensors below this many elements are stored losslessly: side information would eat the gain,
/// and small tensors tend to matter more than their size.
const TINY: usize = 4096;

/// Why a tensor is stored losslessly whatever the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LosslessReason {
    /// Integers, booleans, 8-bit and smaller floats, F64, complex.
    Dtype,
    /// Fewer than two dimensions longer than 1: norms, biases, scalars.
    Vector,
    /// Fewer than 4096 elements.
    Tiny,
    /// A NaN or an infinity.
    NonFinite,
}

impl fmt::Display for LosslessReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LosslessReason::Dtype => "dtype",
            LosslessReason::Vector => "vector",
            LosslessReason::Tiny => "tiny",
            LosslessReason::NonFinite => "NaN or infinity",
        })
    }
}

/// Why `tensor` must be stored losslessly, or `None` when lossy coding suits it.
///
/// # Errors
/// When the bytes are not the elements of the tensor, which no coding suits.
pub fn lossless_reason(tensor: TensorView<'_>) -> Result<Option<LosslessReason>> {
    let meta = tensor.meta;
    if element_count(&meta.shape).and_then(|n| meta.dtype.byte_len(n))
        != Some(tensor.bytes.len() as u64)
    {
        return Err(Error::WrongLength {
            bytes: tensor.bytes.len(),
            dtype: meta.dtype,
            shape: meta.shape.clone(),
        });
    }
    if !meta.dtype.is_codable() {
        return Ok(Some(LosslessReason::Dtype));
    }
    if meta.shape.iter().filter(|&&d| d > 1).count() < 2 {
        return Ok(Some(LosslessReason::Vector));
    }
    let Some((rows, cols)) = fold(&meta.shape).filter(|(r, c)| r * c >= TINY) else {
        return Ok(Some(LosslessReason::Tiny));
    };
    let matrix = MatrixView::from_bytes(tensor.bytes, meta.dtype, rows, cols)?;
    Ok((!matrix.is_finite()).then_some(LosslessReason::NonFinite))
}
