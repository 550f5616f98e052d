//! Integers to code.

use crate::gaussian::standard_gaussian;

/// A run of integers.
pub struct Symbols {
    /// The integers.
    pub values: Vec<i32>,
    /// The least of them.
    pub min: i32,
}

impl Symbols {
    /// 2²⁰ Gaussian samples rounded to multiples of `step`, given in multiples.
    pub fn gaussian(step: f64) -> Symbols {
        let values: Vec<i32> = standard_gaussian(1 << 20)
            .iter()
            .map(|&v| libm::round(f64::from(v) / step) as i32)
            .collect();
        let min = values.iter().copied().min().unwrap_or(0);
        Symbols { values, min }
    }

    /// Number of integers from the least to the greatest.
    pub fn alphabet(&self) -> usize {
        let max = self.values.iter().copied().max().unwrap_or(self.min);
        (max - self.min) as usize + 1
    }

    /// How often each occurs.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.alphabet()];
        self.indices().for_each(|i| counts[i] += 1);
        counts
    }

    /// The integers counted from the least.
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.values.iter().map(|&v| (v - self.min) as usize)
    }

    /// The empirical entropy in bits per integer.
    pub fn entropy(&self) -> f64 {
        let n = self.values.len() as f64;
        let counts = self.counts().into_iter().filter(|&c| c > 0);
        counts
            .map(|c| -(c as f64 / n) * libm::log2(c as f64 / n))
            .sum()
    }
}
