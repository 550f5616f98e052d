//! How the rows of lookup tables come through. A model reads them one at a time, so each must stay
//! recognizable; what all rows share, their mean, tells none from another and is subtracted.

use anyhow::Result;
use hct_core::{Dtype, MatrixView, RowComparison, compare_values};

/// The cosine of each row of `original` and `decoded`, both of `dtype`, the original's mean row
/// subtracted from both.
pub fn centered_cosines(
    original: MatrixView<'_>,
    decoded: MatrixView<'_>,
    dtype: Dtype,
) -> Result<Vec<f64>> {
    let mut values = vec![0.0; decoded.rows() * decoded.cols()];
    decoded.read(0, &mut values);
    let means = original.moments().means;
    let center: Vec<f32> = means.iter().map(|&mean| mean as f32).collect();
    let comparison = compare_values(original, &values, dtype, Some(&center))?;
    let rows = comparison.centered.iter();
    Ok(rows.map(RowComparison::cosine).collect())
}

/// The value that one in a hundred is below; none of none.
pub fn first_percentile(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = values.len() / 100;
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_is_a_rank_from_below() {
        let values = |n: u32| (0..n).rev().map(f64::from).collect::<Vec<_>>();
        assert_eq!(first_percentile(values(1000)), Some(10.0));
        assert_eq!(first_percentile(values(99)), Some(0.0));
        assert_eq!(first_percentile(Vec::new()), None);
    }

    #[test]
    fn what_rows_share_does_not_count() {
        let original = [101.0, 99.0, 99.0, 101.0];
        // The mean row is exact, what makes the rows different is lost.
        let decoded = [100.0; 4];
        let view = |values| MatrixView::from_values(values, 2, 2).unwrap();
        let cosines = centered_cosines(view(&original), view(&decoded), Dtype::F32).unwrap();
        assert_eq!(cosines, [0.0, 0.0]);
    }
}
