//! How decoded matrices agree with the fine-tune, and their differences from the base with its.

use std::collections::HashMap;

use anyhow::{Context, Result};
use hct_core::{MatrixView, fold};
use hct_model::TensorSource;
use rayon::prelude::*;

use crate::comparison::between;
use crate::pair::Pair;

/// Sums of squares over all matrices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreement {
    /// Σ W², Σ Ŵ² and Σ W·Ŵ.
    original: f64,
    decoded: f64,
    product: f64,
    /// Σ (W − Ŵ)².
    error: f64,
    /// Σ (W − B)² and Σ (Ŵ − B)², where there is a base, and Σ (W − Ŵ)² there.
    moved: f64,
    decoded_moved: f64,
    error_there: f64,
}

impl Agreement {
    /// Compares `matrices` of a fine-tune with those of `decoded`, which has the same tensors.
    pub fn of(pair: &Pair, matrices: &[usize], decoded: &dyn TensorSource) -> Result<Agreement> {
        let tensors = pair.original.tensors().iter().enumerate();
        let in_base: HashMap<&str, usize> = tensors.map(|(i, t)| (t.name.as_str(), i)).collect();
        let in_decoded = decoded.tensors().iter().enumerate();
        let in_decoded: HashMap<&str, usize> =
            in_decoded.map(|(i, t)| (t.name.as_str(), i)).collect();
        let sums = matrices.par_iter().map(|&i| {
            let info = &pair.model.checkpoint.tensors()[i];
            let name = info.name.as_str();
            let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
            let view = |bytes| MatrixView::from_bytes(bytes, info.dtype, rows, cols);
            let number = *in_decoded.get(name).context("a tensor is lost")?;
            let (own, other) = (pair.model.checkpoint.read(i)?, decoded.read(number)?);
            let (own, other) = (view(&own)?, view(&other)?);
            let whole = between(&own, &other, rows, cols);
            let mut sums = Agreement {
                original: whole.original,
                decoded: whole.decoded,
                product: whole.product,
                error: whole.error,
                ..Agreement::default()
            };
            let base = in_base.get(name).copied();
            let same_form = |&b: &usize| pair.original.tensors()[b] == *info;
            if let Some(b) = base.filter(same_form) {
                let base = pair.original.read(b)?;
                let base = view(&base)?;
                sums.moved = between(&own, &base, rows, cols).error;
                sums.decoded_moved = between(&other, &base, rows, cols).error;
                sums.error_there = whole.error;
            }
            Ok(sums)
        });
        // In order, so that sums are the same for any number of threads.
        let sums = sums.collect::<Result<Vec<Agreement>>>()?;
        Ok(sums.into_iter().fold(Agreement::default(), Agreement::plus))
    }

    fn plus(self, other: Agreement) -> Agreement {
        Agreement {
            original: self.original + other.original,
            decoded: self.decoded + other.decoded,
            product: self.product + other.product,
            error: self.error + other.error,
            moved: self.moved + other.moved,
            decoded_moved: self.decoded_moved + other.decoded_moved,
            error_there: self.error_there + other.error_there,
        }
    }

    /// Cosine of the matrices as one vector.
    pub fn cosine(&self) -> f64 {
        match self.error == 0.0 {
            true => 1.0,
            false => self.product / (self.original * self.decoded).sqrt(),
        }
    }

    /// ‖W − Ŵ‖² / ‖W‖².
    pub fn rel_mse(&self) -> f64 {
        self.error / self.original
    }

    /// Cosine of W − B and Ŵ − B, all matrices as one vector; of nothing with nothing 1, with
    /// something 0. From the sides of the triangle, so that nothing cancels where differences are
    /// small beside the weights.
    pub fn delta_cosine(&self) -> f64 {
        let product = 0.5 * (self.moved + self.decoded_moved - self.error_there);
        if self.error_there == 0.0 {
            return 1.0;
        }
        match self.moved > 0.0 && self.decoded_moved > 0.0 {
            true => product / (self.moved * self.decoded_moved).sqrt(),
            false => 0.0,
        }
    }

    /// ‖W − B‖ / ‖W‖.
    pub fn relative_move(&self) -> f64 {
        (self.moved / self.original).sqrt()
    }
}
