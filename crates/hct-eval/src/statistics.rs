//! Means, percentiles and correlations.

pub(crate) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// The standard error of the mean of independent values; 0 for a single one.
pub(crate) fn standard_error(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values.iter().copied());
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64 / values.len() as f64).sqrt()
}

/// The value below which `share` of all lie, between the two nearest in proportion. Sorts.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let part = place - place.floor();
    if part == 0.0 {
        values[below]
    } else {
        values[below] * (1.0 - part) + values[above] * part
    }
}

/// The cosine of two vectors; exactly 1 when they are equal and not zero.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    ab / (aa * bb).sqrt()
}

/// Spearman's rank correlation; equal values share the mean of their ranks.
pub(crate) fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    // Ranks of either kind add up the same, so they have the same mean.
    let middle = (a.len() - 1) as f64 / 2.0;
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        ab += (a - middle) * (b - middle);
        aa += (a - middle).powi(2);
        bb += (b - middle).powi(2);
    }
    ab / (aa * bb).sqrt()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for run in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = first as f64 + (run.len() - 1) as f64 / 2.0;
        for &i in run {
            ranks[i] = rank;
        }
        first += run.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_neighbours() {
        let mut values = [40.0, 10.0, 30.0, 20.0, 50.0];
        assert_eq!(percentile(&mut values, 0.5), 30.0);
        assert_eq!(percentile(&mut values, 0.99), 49.6);
        assert_eq!(percentile(&mut values, 1.0), 50.0);
        assert_eq!(percentile(&mut [7.0], 0.99), 7.0);
        // An infinite value must not turn the finite ones below it into NaN.
        assert_eq!(percentile(&mut [1.0, 2.0, f64::INFINITY], 0.5), 2.0);
    }

    #[test]
    fn standard_errors() {
        // Deviation 2, over sqrt(4) values.
        let error = standard_error(&[1.0, 1.0, 1.0, 5.0]);
        assert!((error - 1.0).abs() < 1e-12);
        assert_eq!(standard_error(&[3.0]), 0.0);
    }

    #[test]
    fn cosines() {
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 2.0]), 0.0);
        assert_eq!(cosine(&[1.0, 2.0], &[-2.0, -4.0]), -1.0);
        let odd = [0.1, -0.7, 1e-3, 12.3];
        assert_eq!(cosine(&odd, &odd), 1.0);
    }

    #[test]
    fn spearman_is_of_ranks_only() {
        let a = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(spearman(&a, &[0.1, 0.2, 5.0, 1e9]), 1.0);
        assert_eq!(spearman(&a, &[3.0, 2.0, 1.0, 0.0]), -1.0);
        // 1 - 6 * (1 + 1 + 4 + 4) / (5 * 24) by the textbook formula for distinct ranks.
        let rho = spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 5.0, 4.0, 3.0]);
        assert!((rho - (1.0 - 6.0 * 10.0 / 120.0)).abs() < 1e-12, "{rho}");
    }

    #[test]
    fn spearman_shares_ranks_among_equals() {
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
        let rho = spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 4.0]);
        assert!((rho - 4.5 / 22.5f64.sqrt()).abs() < 1e-12, "{rho}");
    }
}
