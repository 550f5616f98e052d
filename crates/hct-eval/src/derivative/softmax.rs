//! The softmax of rows.

use candle_core::Tensor;

use crate::Error;
use crate::rows::{by_rows, dot};

/// With p the softmax: p · (g − Σ g p).
pub(crate) fn softmax(shares: &Tensor, g: &Tensor) -> Result<Tensor, Error> {
    let [of_scores] = by_rows([shares, g], |_, [shares, g], [out]| {
        let mean = dot(shares, g);
        for ((out, p), g) in out.iter_mut().zip(shares).zip(g) {
            *out = p * (g - mean);
        }
    })?;
    Ok(of_scores)
}
