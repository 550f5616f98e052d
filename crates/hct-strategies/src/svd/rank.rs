//! Which rank pays: the bits that low-rank factors cost against those they save.

/// Bits per value of a factor beyond the Shannon bound: the quantizer's gap and side information.
const FACTOR_GAP: f64 = 0.2;
/// The same of the residual coder, per weight.
const RESIDUAL_GAP: f64 = 0.1;

/// The mean squares that decide about a rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub rows: usize,
    pub cols: usize,
    /// Mean square of the matrix.
    pub energy: f64,
    /// Mean squared error that is allowed.
    pub distortion: f64,
}

/// A number of components and how finely to code them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    pub rank: usize,
    /// Mean squared error of each value of U·S and S·Vᵀ.
    pub noise: f64,
    /// Whether the factors alone reach the distortion, and no residual is coded.
    pub alone: bool,
}

/// The best number of leading components, whose singular values are given in descending order, or
/// none where none pays.
///
/// With a residual, an error in a factor costs what it adds to the residual's energy; the optimum
/// has every coefficient's error at the residual's mean square. Without one, factor errors share
/// what the discarded components leave of the distortion.
pub(super) fn plan(budget: Budget, singular: &[f64]) -> Option<Plan> {
    let Budget {
        rows,
        cols,
        energy,
        distortion,
    } = budget;
    let n = (rows * cols) as f64;
    let lines = (rows + cols) as f64;
    let bits = |gain: f64| 0.5 * libm::log2(gain.max(1.0));
    let factor_bits = |rank: usize, noise: f64| -> f64 {
        let of = |sigma: &f64, len: usize| {
            let len = len as f64;
            len * (bits(sigma * sigma / len / noise) + FACTOR_GAP)
        };
        let components = singular[..rank].iter();
        components.map(|s| of(s, rows) + of(s, cols)).sum()
    };
    let plain = n * (bits(energy / distortion) + RESIDUAL_GAP);
    let mut best: Option<(f64, Plan)> = None;
    let mut held = 0.0;
    for (i, sigma) in singular.iter().enumerate() {
        let rank = i + 1;
        held += sigma * sigma;
        let tail = (energy - held / n).max(0.0);
        let taken = rank as f64 * lines;
        let plan = if tail < distortion {
            Plan {
                rank,
                noise: (distortion - tail) * n / taken,
                alone: true,
            }
        } else if taken < n {
            Plan {
                rank,
                noise: tail * n / (n - taken),
                alone: false,
            }
        } else {
            break;
        };
        let residual = if plan.alone {
            0.0
        } else {
            n * (bits(plan.noise / distortion) + RESIDUAL_GAP)
        };
        let saved = plain - residual - factor_bits(rank, plan.noise);
        if saved > 0.0 && best.is_none_or(|(most, _)| saved > most) {
            best = Some((saved, plan));
        }
    }
    best.map(|(_, plan)| plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(energy: f64, distortion: f64) -> Budget {
        Budget {
            rows: 1000,
            cols: 1000,
            energy,
            distortion,
        }
    }

    #[test]
    fn noise_has_no_rank_worth_taking() {
        // Singular values of a Gaussian matrix fall from 2√n, about linearly at first.
        let singular: Vec<f64> = (0..200)
            .map(|i| 2.0 * 1000f64.sqrt() * (1.0 - f64::from(i) / 1000.0))
            .collect();
        for distortion in [0.5, 0.1, 0.01, 1e-4] {
            assert_eq!(plan(budget(1.0, distortion), &singular), None);
        }
    }

    #[test]
    fn low_rank_is_taken_whole_and_noise_left() {
        // Ten components of equal energy over noise of 1e-4.
        let singular: Vec<f64> = (0..50)
            .map(|i| if i < 10 { 1e5f64.sqrt() } else { 0.5 })
            .collect();
        let fine = plan(budget(1.0001, 5e-5), &singular).unwrap();
        assert!((fine.rank, fine.alone) == (10, false), "{fine:?}");
        let coarse = plan(budget(1.0001, 2e-4), &singular).unwrap();
        assert!((coarse.rank, coarse.alone) == (10, true), "{coarse:?}");
        assert!((coarse.noise - 1e-4 * 1e6 / 20_000.0).abs() < 1e-3);
    }
}
