//! What a coded tensor must be like.

use hct_core::{Moments, PlaneComparison, RowComparison};

/// A quality that every tensor reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Quality {
    /// Cosine similarity of at least this.
    Cosine(f64),
    /// ‖W − Ŵ‖² / ‖W‖² of at most this.
    RelMse(f64),
}

impl Quality {
    /// What uniform V3 reaches on Gaussian coefficients at a retention ρ in (0, 1]: the energy of
    /// the dropped ones and the noise of INT4 in blocks of 32 on the rest.
    pub fn of_retention(retention: f64) -> Quality {
        let retention = retention.clamp(1e-3, 1.0);
        // A step is a seventh of the largest of 32 kept values.
        let noise = largest_square(32.0 / retention) / (12.0 * 49.0);
        let error = energy_below(1.0 - retention) + retention * noise;
        Quality::RelMse(error.min(0.99))
    }

    /// The same with `factor` times the squared error.
    pub(crate) fn scaled(self, factor: f64) -> Quality {
        match self {
            Quality::Cosine(c) => Quality::Cosine((1.0 - (1.0 - c * c) * factor).max(0.0).sqrt()),
            Quality::RelMse(d) => Quality::RelMse(d * factor),
        }
    }

    /// The relative mean squared error to aim for first.
    pub(crate) fn rel_mse(self) -> f64 {
        match self {
            // Decoded values are close to orthogonal to their errors, as centroids are.
            Quality::Cosine(c) => 1.0 - c * c,
            Quality::RelMse(d) => d,
        }
    }

    /// Factor by which the distortion exceeds what is allowed; at most 1 when it is reached.
    pub(crate) fn excess(self, total: &RowComparison) -> f64 {
        match self {
            Quality::Cosine(c) => (1.0 - total.cosine().powi(2)) / (1.0 - c * c),
            Quality::RelMse(d) => total.rel_mse() / d,
        }
    }
}

/// Mean square of the largest magnitude among `n` standard Gaussian values.
fn largest_square(n: f64) -> f64 {
    const STEP: f64 = 1.0 / 256.0;
    // ∫ 2x·P(largest > x) dx.
    let tail = |x: f64| 2.0 * x * (1.0 - libm::pow(gaussian_below(x), n));
    (0..12 * 256)
        .map(|i| STEP * tail((f64::from(i) + 0.5) * STEP))
        .sum()
}

/// Share of standard Gaussian values with a magnitude below `x`.
fn gaussian_below(x: f64) -> f64 {
    libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Energy of the `share` of standard Gaussian values that are smallest in magnitude.
fn energy_below(share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle: f64 = 0.5 * (low + high);
        if gaussian_below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    let density = libm::exp(-0.5 * low * low) / (2.0 * std::f64::consts::PI).sqrt();
    (share - 2.0 * low * density).max(0.0)
}

/// A quality that most rows of a tensor must each reach, the mean row subtracted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowFloor {
    /// How many rows in a thousand.
    pub per_mille: usize,
    pub quality: Quality,
}

impl RowFloor {
    /// Half of the rows.
    pub fn median(quality: Quality) -> Self {
        RowFloor {
            per_mille: 500,
            quality,
        }
    }

    /// The largest excess among the rows that must reach the quality, best rows first.
    pub fn excess(&self, rows: &[RowComparison]) -> f64 {
        let mut excess: Vec<f64> = rows.iter().map(|row| self.quality.excess(row)).collect();
        let last = (excess.len() * self.per_mille / 1000).min(excess.len() - 1);
        *excess.select_nth_unstable_by(last, f64::total_cmp).1
    }

    /// The same as a share of rows to exempt, with some slack against rounding.
    pub fn exempt(&self, rows: usize) -> usize {
        let exempt = 1000 - self.per_mille;
        rows * (exempt - (exempt / 2).min(10)) / 1000
    }
}

/// What a tensor must reach.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    /// The tensor as a whole.
    pub quality: Quality,
    /// Its rows, for lookup tables.
    pub floors: Vec<RowFloor>,
}

impl Target {
    /// Column means, to judge rows by what makes them different; where there are floors.
    pub fn center(&self, moments: &Moments) -> Option<Vec<f32>> {
        let means = || moments.means.iter();
        (!self.floors.is_empty()).then(|| means().map(|&m| m as f32).collect())
    }

    /// How far a decoded tensor is above what is allowed, at most 1 where it is not.
    pub fn excess(&self, comparison: &PlaneComparison) -> f64 {
        let whole = self.quality.excess(&comparison.total());
        let floors = self.floors.iter();
        floors
            .map(|floor| floor.excess(&comparison.centered))
            .fold(whole, f64::max)
    }
}

impl From<Quality> for Target {
    fn from(quality: Quality) -> Self {
        Target {
            quality,
            floors: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaussian_energy_below_a_share_is_known() {
        assert!(energy_below(0.0).abs() < 1e-12);
        assert!((energy_below(1.0) - 1.0).abs() < 1e-9);
        // Half of the values, below 0.6745 standard deviations, hold 7.13 % of the energy.
        assert!((energy_below(0.5) - 0.0713).abs() < 1e-4);
    }

    #[test]
    fn the_largest_of_gaussian_values_is_known() {
        assert!((largest_square(1.0) - 1.0).abs() < 1e-4);
        // Of two values: 1 + 2/π.
        assert!((largest_square(2.0) - 1.0 - std::f64::consts::FRAC_2_PI).abs() < 1e-4);
    }

    #[test]
    fn scaling_a_cosine_scales_its_error() {
        let finer = Quality::Cosine(0.99).scaled(0.5);
        assert!((finer.rel_mse() - 0.5 * Quality::Cosine(0.99).rel_mse()).abs() < 1e-12);
    }

    #[test]
    fn floors_look_at_the_rows_they_name() {
        let rows: Vec<RowComparison> = (1..=1000)
            .map(|i| RowComparison {
                original: 1000.0,
                error: f64::from(i),
                ..RowComparison::default()
            })
            .collect();
        let floor = |per_mille| RowFloor {
            per_mille,
            quality: Quality::RelMse(0.1),
        };
        assert_eq!(floor(500).excess(&rows), 501.0 / 100.0);
        assert_eq!(floor(990).excess(&rows), 991.0 / 100.0);
        assert_eq!(floor(1000).excess(&rows), 10.0);
        assert_eq!((floor(500).exempt(700), floor(990).exempt(700)), (343, 3));
    }
}
