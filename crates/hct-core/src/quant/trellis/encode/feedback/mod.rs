//! Coding a matrix for what its errors do to a product with known inputs, not for their size.
//!
//! The columns of a matrix are coded in turn, each along its rows by the trellis; what the error
//! of a column does to the outputs, the columns after it make up for as far as inputs that go
//! together let them. Minimized is Σ e H eᵀ over the rows e of the error, H the second moments of
//! the inputs. With H = R·Rᵀ, R upper triangular, it is Σⱼ Rⱼⱼ² (eⱼ + Σ_{i<j} eᵢ Rᵢⱼ / Rⱼⱼ)²: the
//! target of column j is its weights less what the errors before it leave to it, and an error of a
//! step counts as much in every column if steps are as 1 / Rⱼⱼ.
//!
//! Sources: Frantar et al. 2022 (GPTQ); Chee et al. 2023 (QuIP: LDLQ, the same feedback from the
//! triangular factor); Lifar et al. 2026 (WaterSIC: steps as 1 / Rⱼⱼ, which with entropy coding is
//! reverse water-filling).

mod analysis;
mod band;
mod column;
mod plane;
mod rows;
mod size;

pub use analysis::{FeedbackAnalysis, FeedbackTraining};
pub use plane::FeedbackPlane;

/// What coding with feedback knows of a matrix of R × C weights.
#[derive(Clone, Copy, Debug)]
pub struct ErrorFeedback<'a> {
    /// C × C, row-major: at (i, j), i < j, what of the error of column i is added to the target of
    /// column j, Rᵢⱼ / Rⱼⱼ. The rest is not looked at.
    pub coefficients: &'a [f32],
    /// Step of every column, as gains in units of 1/32 octave: C of them within ± 2048.
    pub column_gains: &'a [i32],
    /// Step of every row, likewise: R of them, or none where all are 0.
    pub row_gains: &'a [i32],
}
