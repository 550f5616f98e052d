//! Which tensors are not for lossy coding.

use std::fmt;

use hct_core::{MatrixView, fold};

use crate::TensorView;

/// Tensors below this many elements are stored losslessly: side information would eat the gain,
/// and small tensors tend to matter more than their size.
const TINY: usize = 4096;

/// Why a tensor is stored losslessly whatever the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
pub fn lossless_reason(tensor: TensorView<'_>) -> Option<LosslessReason> {
    let meta = tensor.meta;
    if !meta.dtype.is_codable() {
        return Some(LosslessReason::Dtype);
    }
    if meta.shape.iter().filter(|&&d| d > 1).count() < 2 {
        return Some(LosslessReason::Vector);
    }
    let Some((rows, cols)) = fold(&meta.shape).filter(|(r, c)| r * c >= TINY) else {
        return Some(LosslessReason::Tiny);
    };
    match MatrixView::from_bytes(tensor.bytes, meta.dtype, rows, cols) {
        Ok(matrix) if matrix.is_finite() => None,
        _ => Some(LosslessReason::NonFinite),
    }
}
