//! A plane once coded.

use crate::recipe::PlaneRecipe;

/// A coded plane: its recipe and the bytes its record will point to.
#[derive(Clone, Debug)]
pub struct EncodedPlane {
    pub(crate) recipe: PlaneRecipe,
    pub(crate) common: Vec<u8>,
    pub(crate) tiles: Vec<Vec<u8>>,
    /// Sum of squared errors of the coded values, rounded where they were compared when they were coded.
    pub(crate) squared_error: f64,
    /// Coefficients coded as other than zero.
    pub(crate) kept: u64,
}

impl EncodedPlane {
    /// The recipe.
    pub fn recipe(&self) -> &PlaneRecipe {
        &self.recipe
    }

    /// Bytes of payload; the record in the index comes on top.
    pub fn payload_bytes(&self) -> usize {
        self.common.len() + self.tiles.iter().map(Vec::len).sum::<usize>()
    }

    /// Sum of squared errors of the decoded values: before rounding to the tensor's dtype, but after it where
    /// the plane was compared as it was encoded (`TrellisAnalysis::encode_comparing`).
    pub fn squared_error(&self) -> f64 {
        self.squared_error
    }

    /// Number of coefficients that are kept: coded at all in a sparse plane, coded as other than
    /// zero in a trellis plane.
    pub fn kept(&self) -> u64 {
        self.kept
    }
}
