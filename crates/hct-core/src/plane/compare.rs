//! Comparing a coded plane with the values it was made from, as a reader will see them.

use super::{EncodedPlane, PlaneDecoder};
use crate::matrix::MatrixView;
use crate::{Dtype, Result, floats, parallel};

/// Sums over one row of the original a and the decoded b, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowComparison {
    /// Σ a².
    pub original: f64,
    /// Σ b².
    pub decoded: f64,
    /// Σ a·b.
    pub product: f64,
    /// Σ (a − b)².
    pub error: f64,
}

impl RowComparison {
    fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.original += a * a;
        self.decoded += b * b;
        self.product += a * b;
        self.error += (a - b) * (a - b);
    }

    /// Adds another row's sums.
    pub fn merge(&mut self, other: &RowComparison) {
        self.original += other.original;
        self.decoded += other.decoded;
        self.product += other.product;
        self.error += other.error;
    }

    /// Cosine similarity; 1 for two zero vectors.
    pub fn cosine(&self) -> f64 {
        let norms = (self.original * self.decoded).sqrt();
        match norms > 0.0 {
            true => self.product / norms,
            false if self.original == self.decoded => 1.0,
            false => 0.0,
        }
    }

    /// Σ (a − b)² / Σ a²; 0 for an exact copy.
    pub fn rel_mse(&self) -> f64 {
        if self.error == 0.0 {
            0.0
        } else {
            self.error / self.original
        }
    }
}

impl EncodedPlane {
    /// Compares with `matrix`, row by row, after rounding to `dtype`. With `center`, one value
    /// per column, it is subtracted from both first.
    ///
    /// # Errors
    /// Never for a plane that this crate encoded from `matrix`.
    pub fn compare(
        &self,
        matrix: MatrixView<'_>,
        dtype: Dtype,
        center: Option<&[f32]>,
    ) -> Result<Vec<RowComparison>> {
        let recipe = &self.recipe;
        let whole = if recipe.whole {
            Some(self.decode()?)
        } else {
            None
        };
        let decoder = PlaneDecoder::new(recipe, &self.common)?;
        let parts = parallel::map(recipe.tiles(), |i| {
            let tile = recipe.tile(i);
            let mut b = vec![0.0; tile.len()];
            match &whole {
                Some(values) => b.copy_from_slice(&values[tile.first..tile.first + tile.len()]),
                None => decoder.tile(i, &self.tiles[i], &mut b)?,
            }
            floats::round_to(&mut b, dtype);
            let mut a = vec![0.0; tile.len()];
            matrix.read(tile.first, &mut a);
            if let Some(center) = center {
                let center = &center[tile.first_col..tile.first_col + tile.cols];
                for values in [&mut a, &mut b] {
                    for row in values.chunks_exact_mut(tile.cols) {
                        row.iter_mut().zip(center).for_each(|(v, c)| *v -= c);
                    }
                }
            }
            let rows = a.chunks_exact(tile.cols).zip(b.chunks_exact(tile.cols));
            let sums: Vec<_> = rows
                .map(|(a, b)| {
                    let mut sum = RowComparison::default();
                    a.iter().zip(b).for_each(|(&a, &b)| sum.add(a, b));
                    sum
                })
                .collect();
            Ok((tile.first_row, sums))
        });
        let mut rows = vec![RowComparison::default(); recipe.rows];
        for part in parts {
            let (first, sums) = part?;
            rows[first..]
                .iter_mut()
                .zip(&sums)
                .for_each(|(row, s)| row.merge(s));
        }
        Ok(rows)
    }
}
