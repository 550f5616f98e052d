//! What a number of rounds gave.

use serde::{Deserialize, Serialize};

/// Seconds of one pass, over all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle; of an even number of rounds the mean of the two in the middle.
    pub median: f64,
    /// The fastest.
    pub min: f64,
    /// The slowest.
    pub max: f64,
}

impl Spread {
    /// Of one measurement a round; of none everything is NaN.
    pub fn of(seconds: &[f64]) -> Spread {
        let mut sorted = seconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        let half = sorted.len() / 2;
        Spread {
            median: match sorted.len() % 2 {
                1 => at(half),
                _ => (at(half.wrapping_sub(1)) + at(half)) / 2.0,
            },
            min: at(0),
            max: at(sorted.len().wrapping_sub(1)),
        }
    }

    /// How many times this goes into the medians' time of `other`: above 1 for what is faster.
    pub fn times_as_fast_as(&self, other: &Spread) -> f64 {
        other.median / self.median
    }

    /// Millions of `n` things a second.
    pub fn millions(&self, n: u64) -> f64 {
        n as f64 / 1e6 / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        let odd = Spread::of(&[3.0, 1.0, 7.0]);
        assert_eq!((odd.median, odd.min, odd.max), (3.0, 1.0, 7.0));
        let even = Spread::of(&[4.0, 1.0, 2.0, 9.0]);
        assert_eq!((even.median, even.min, even.max), (3.0, 1.0, 9.0));
        assert!(Spread::of(&[]).median.is_nan());
        assert_eq!(even.times_as_fast_as(&Spread::of(&[6.0])), 2.0);
        assert_eq!(even.millions(6_000_000), 2.0);
    }
}
