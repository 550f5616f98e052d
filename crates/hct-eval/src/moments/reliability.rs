//! How far the two halves of the data agree.

use hct_strategies::{Moments, SymmetricMatrix};

use super::ProductSums;
use crate::Error;

/// Sums of products over the even and over the odd windows.
pub(crate) struct Halves {
    pub sums: [ProductSums; 2],
    /// Tokens of each half.
    pub tokens: [u64; 2],
}

/// Means over both halves, and how far to trust them.
pub(crate) struct Pooled {
    pub moments: SymmetricMatrix,
    pub reliability: f32,
}

impl Halves {
    /// The means over all tokens. Their reliability is the factor f with which f · (what is off the
    /// diagonal of the means) has the least expected squared distance from what infinitely many
    /// windows would give, every entry taken over √(d_i d_j) of the diagonal d of the means:
    /// Σ a b / Σ m², with a and b the halves and m the means, for E[a b] is the square of the truth.
    /// Where a half is empty it is 0.
    pub fn pooled(&self) -> Result<Pooled, Error> {
        let [a, b] = &self.sums;
        let size = a.size;
        let [in_a, in_b] = self.tokens.map(|tokens| tokens as f64);
        let all = in_a + in_b;
        let sums = a.packed.iter().zip(&b.packed);
        let means: Vec<f32> = sums
            .map(|(&a, &b)| ((f64::from(a) + f64::from(b)) / all) as f32)
            .collect();
        let moments = SymmetricMatrix::new(size, means).map_err(Error::Statistics)?;
        let diagonal = moments.diagonal();
        let (mut agreed, mut square) = (0.0, 0.0);
        let mut at = 0;
        for i in 0..size {
            let row = at..at + size - i;
            let entries = a.packed[row.clone()].iter().zip(&b.packed[row]);
            let (mut row_agreed, mut row_square) = (0.0, 0.0);
            for ((&a, &b), &d) in entries.zip(&diagonal[i..]).skip(1) {
                if d > 0.0 {
                    let (a, b) = (f64::from(a), f64::from(b));
                    row_agreed += a * b / f64::from(d);
                    row_square += (a + b) * (a + b) / f64::from(d);
                }
            }
            if diagonal[i] > 0.0 {
                agreed += row_agreed / f64::from(diagonal[i]);
                square += row_square / f64::from(diagonal[i]);
            }
            at += size - i;
        }
        // From sums to means.
        let (agreed, square) = (agreed / (in_a * in_b), square / (all * all));
        let share = agreed / square;
        let reliability = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        };
        Ok(Pooled {
            moments,
            reliability: reliability as f32,
        })
    }
}

impl Pooled {
    pub fn into_moments(self) -> Moments {
        Moments::Full(self.moments)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::random::Random;

    /// Sums over vectors of elements drawn independently, plus a common part of size `common`.
    fn sums(seed: u64, tokens: usize, common: f64) -> ProductSums {
        let mut random = Random::new(seed);
        let mut vectors = Vec::new();
        for _ in 0..tokens {
            let shared = random.normal() * common;
            vectors.extend((0..100).map(|_| (random.normal() + shared) as f32));
        }
        let vectors = Tensor::from_vec(vectors, (tokens, 100), &Device::Cpu).unwrap();
        let mut sums = ProductSums::new(100);
        sums.add(&vectors).unwrap();
        sums
    }

    fn reliability(a: ProductSums, b: ProductSums, tokens: [u64; 2]) -> f32 {
        let sums = [a, b];
        Halves { sums, tokens }.pooled().unwrap().reliability
    }

    #[test]
    fn halves_that_agree_are_relied_on() {
        assert_eq!(
            reliability(sums(1, 40, 0.0), sums(1, 40, 0.0), [40, 40]),
            1.0
        );
        let noise = reliability(sums(1, 400, 0.0), sums(2, 400, 0.0), [400, 400]);
        assert!(noise < 0.05, "{noise}");
        // Correlations of 1/5, and noise of variance 1/800 on them.
        let some = reliability(sums(1, 400, 0.5), sums(2, 400, 0.5), [400, 400]);
        let expected = 0.04 / (0.04 + 1.0 / 800.0);
        assert!(
            (f64::from(some) - expected).abs() < 0.02,
            "{some} {expected}"
        );
        let nothing = ProductSums::new(100);
        assert_eq!(reliability(sums(1, 40, 0.5), nothing, [40, 0]), 0.0);
    }

    #[test]
    fn shrinking_by_it_comes_nearest_to_the_truth() {
        let (a, b) = (sums(1, 50, 0.5), sums(2, 50, 0.5));
        let tokens = [50, 50];
        let halves = Halves {
            sums: [a, b],
            tokens,
        };
        let found = halves.pooled().unwrap();
        let truth = 0.25;
        let distance = |factor: f32| -> f64 {
            let rows = found.moments.rows();
            let squares = rows.flat_map(|row| &row[1..]);
            squares
                .map(|&m| f64::from(factor * m - truth).powi(2))
                .sum()
        };
        let best = distance(found.reliability);
        for factor in [0.0, found.reliability - 0.15, 1.0] {
            assert!(
                best < distance(factor),
                "{factor} and {}",
                found.reliability
            );
        }
    }

    #[test]
    fn weighted_sums_are_those_of_plain_loops() {
        let mut random = Random::new(5);
        // Wider than a strip.
        let (tokens, size) = (7, 130);
        let x: Vec<f32> = (0..tokens * size).map(|_| random.normal() as f32).collect();
        let weights: Vec<f32> = (0..tokens).map(|_| random.unit() as f32).collect();
        let tensor = Tensor::from_slice(&x, (tokens, size), &Device::Cpu).unwrap();
        let mut sums = ProductSums::new(size);
        sums.add_weighted(&tensor, &weights).unwrap();
        let mut at = 0;
        let mut trace = 0.0;
        for i in 0..size {
            for j in i..size {
                let products = weights.iter().zip(x.chunks(size));
                let expected: f32 = products.map(|(w, x)| w * x[i] * x[j]).sum();
                assert!((sums.packed[at] - expected).abs() < 1e-4, "{i} {j}");
                if i == j {
                    trace += f64::from(expected);
                }
                at += 1;
            }
        }
        assert!((sums.trace() - trace).abs() < 1e-2);
    }
}
