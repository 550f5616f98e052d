//! Symmetric matrices, every entry once.

use hct_core::{Error, Result};

/// A symmetric n × n matrix with a diagonal that is not negative, as sums of products have it.
/// Kept is the upper triangle, row by row: row `i` has the entries `(i, i)` to `(i, n - 1)`.
#[derive(Clone, Debug, PartialEq)]
pub struct SymmetricMatrix {
    size: usize,
    packed: Vec<f32>,
}

impl SymmetricMatrix {
    /// The matrix with this upper triangle, row by row.
    ///
    /// # Errors
    /// When there are not `size · (size + 1) / 2` entries, one is not finite, or one of the
    /// diagonal is negative.
    pub fn new(size: usize, packed: Vec<f32>) -> Result<SymmetricMatrix> {
        const WHAT: &str = "a symmetric matrix";
        let expected = Self::packed_len(size);
        if expected != Some(packed.len()) {
            return Err(Error::Invalid {
                what: WHAT,
                why: format!("{} entries are no triangle of size {size}", packed.len()),
            });
        }
        if packed.iter().any(|entry| !entry.is_finite()) {
            return Err(Error::NotFinite);
        }
        let matrix = SymmetricMatrix { size, packed };
        match matrix.diagonal().iter().position(|&entry| entry < 0.0) {
            None => Ok(matrix),
            Some(i) => Err(Error::Invalid {
                what: WHAT,
                why: format!("entry {i} of the diagonal is negative"),
            }),
        }
    }

    /// How many entries the upper triangle of a matrix of this size has; `None` when there are
    /// too many to count.
    pub fn packed_len(size: usize) -> Option<usize> {
        size.checked_add(1)?
            .checked_mul(size)
            .map(|twice| twice / 2)
    }

    /// Rows, and columns.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The upper triangle, row by row.
    pub fn packed(&self) -> &[f32] {
        &self.packed
    }

    /// The upper rows: row `i` begins with the diagonal and has `size - i` entries.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let mut rest = &self.packed[..];
        (0..self.size).map(move |i| {
            let (row, after) = rest.split_at(self.size - i);
            rest = after;
            row
        })
    }

    /// The diagonal.
    pub fn diagonal(&self) -> Vec<f32> {
        self.rows().map(|row| row[0]).collect()
    }

    /// Entry `(i, j)`, which is that of `(j, i)` too.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, i: usize, j: usize) -> f32 {
        let (row, column) = (i.min(j), i.max(j));
        assert!(column < self.size, "no entry ({i}, {j})");
        // Rows before it have size, size - 1, … entries.
        let start = row * (2 * self.size + 1 - row) / 2;
        self.packed[start + column - row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_on_both_sides_of_the_diagonal() {
        let packed = vec![0.0, -1.0, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        let matrix = SymmetricMatrix::new(4, packed).unwrap();
        assert_eq!(matrix.diagonal(), [0.0, 4.0, 7.0, 9.0]);
        for i in 0..4 {
            let row: Vec<f32> = (i..4).map(|j| matrix.get(i, j)).collect();
            assert_eq!(matrix.rows().nth(i).unwrap(), row);
            for j in 0..4 {
                assert_eq!(matrix.get(i, j), matrix.get(j, i));
            }
        }
        assert_eq!((matrix.get(3, 0), matrix.get(1, 3)), (-3.0, 6.0));
    }

    #[test]
    fn what_is_no_such_matrix_is_refused() {
        assert!(SymmetricMatrix::new(0, Vec::new()).is_ok());
        for (size, packed) in [
            (2, vec![1.0; 4]),
            (2, vec![1.0; 2]),
            (usize::MAX, vec![1.0]),
            (2, vec![1.0, 0.0, -1.0]),
            (2, vec![1.0, f32::NAN, 1.0]),
            (1, vec![f32::INFINITY]),
        ] {
            assert!(
                SymmetricMatrix::new(size, packed.clone()).is_err(),
                "{size} {packed:?}"
            );
        }
    }
}
