//! Second moments, whole or only their diagonal.

use super::SymmetricMatrix;

/// The second moments of vectors: the mean of each product of two elements, perhaps weighted.
#[derive(Clone, Debug, PartialEq)]
pub enum Moments {
    /// Of all pairs of elements.
    Full(SymmetricMatrix),
    /// Of every element with itself: mean squares.
    Diagonal(Vec<f32>),
}

impl Moments {
    /// How many elements the vectors have.
    pub fn size(&self) -> usize {
        match self {
            Moments::Full(matrix) => matrix.size(),
            Moments::Diagonal(squares) => squares.len(),
        }
    }

    /// The mean square of every element.
    pub fn diagonal(&self) -> Vec<f32> {
        match self {
            Moments::Full(matrix) => matrix.diagonal(),
            Moments::Diagonal(squares) => squares.clone(),
        }
    }
}
