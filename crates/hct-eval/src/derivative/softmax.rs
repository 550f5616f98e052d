//! The softmax of rows.

use candle_core::Tensor;

use super::rows::{by_rows, dot};
use crate::Error;

/// With p the softmax: p · (g − Σ g p).
pub(crate) fn softmax(shares: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
    by_rows([shares, g], |[shares, g], out| {
        let mean = dot(shares, g);
        for ((out, p), g) in out.iter_mut().zip(shares).zip(g) {
            *out = p * (g - mean);
        }
    })
}
