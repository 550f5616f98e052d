//! Sums of the products of all pairs of elements of vectors.

use std::iter;

use candle_core::Tensor;

use crate::Error;
use crate::rows::{scaled, values};

/// Σ w · x xᵀ over vectors x: the upper triangle, row by row.
#[derive(Clone)]
pub(crate) struct ProductSums {
    pub(super) size: usize,
    pub(super) packed: Vec<f32>,
}

impl ProductSums {
    pub fn new(size: usize) -> ProductSums {
        ProductSums {
            size,
            packed: vec![0.0; size * (size + 1) / 2],
        }
    }

    pub fn trace(&self) -> f64 {
        let steps = (0..self.size).map(|i| self.size - i);
        let starts = steps.scan(0, |at, step| {
            let start = *at;
            *at += step;
            Some(start)
        });
        starts.map(|start| f64::from(self.packed[start])).sum()
    }

    /// The sum of both.
    pub fn plus(mut self, other: &ProductSums) -> ProductSums {
        for (sum, other) in self.packed.iter_mut().zip(&other.packed) {
            *sum += other;
        }
        self
    }

    /// Adds those of the rows of `x`, vectors x size.
    pub fn add(&mut self, x: &Tensor) -> Result<(), Error> {
        self.add_products(x, x)
    }

    /// Adds those of the rows of `x`, each times its weight.
    pub fn add_weighted(&mut self, x: &Tensor, weights: &[f32]) -> Result<(), Error> {
        self.add_products(x, &scaled(x, |row| weights[row])?)
    }

    /// Adds the upper triangle of aᵀ b.
    fn add_products(&mut self, a: &Tensor, b: &Tensor) -> Result<(), Error> {
        // Strips of rows: what lies below the diagonal within each is all that is computed in vain.
        let strip = (self.size / 12).next_multiple_of(64).clamp(64, 512);
        let mut rest = &mut self.packed[..];
        for start in (0..self.size).step_by(strip) {
            let (rows, columns) = (strip.min(self.size - start), self.size - start);
            let left = a.narrow(1, start, rows)?.t()?;
            let product = left.matmul(&b.narrow(1, start, columns)?)?;
            let product = values(&product)?;
            for (i, row) in iter::zip(0.., product.chunks_exact(columns)) {
                let (sums, after) = rest.split_at_mut(columns - i);
                for (sum, value) in sums.iter_mut().zip(&row[i..]) {
                    *sum += value;
                }
                rest = after;
            }
        }
        Ok(())
    }
}
