//! One matrix coded and decoded in memory.

use anyhow::Result;
use hct_core::RowComparison;

use super::matrices::rank;
use super::sums::compared;
use crate::contestant::Contestant;
use crate::matrix::Matrix;

/// What came of it.
pub struct Single {
    /// Bytes of payload and record.
    pub bytes: u64,
    /// Components of the low-rank product, if there is one.
    pub rank: Option<usize>,
    /// How the decoded matrix agrees with the original.
    pub sums: RowComparison,
}

/// Codes `matrix` with `contestant` to a file in memory, reads it back and compares.
pub fn code(matrix: &Matrix, contestant: &dyn Contestant<Matrix>) -> Result<Single> {
    let coded = contestant.encode(matrix)?;
    let decoded = contestant.decode(&coded, matrix)?;
    let (rows, cols) = (matrix.rows, matrix.cols);
    Ok(Single {
        bytes: coded.bytes(),
        rank: rank(coded.record()),
        sums: compared(matrix.bytes(), &decoded, matrix.meta.dtype, rows, cols)?,
    })
}
