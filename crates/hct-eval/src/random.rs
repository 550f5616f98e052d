//! Random numbers that are the same everywhere for the same seed.

use crate::exponential::exp;

/// The generator SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Another generator for each `number`, whose numbers have nothing to do with each other's.
    pub fn nth(seed: u64, number: u64) -> Random {
        let mut mixer = Random(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Random(mixer.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The index of one of these logits, drawn with the probability that they give it.
    pub fn draw(&mut self, logits: &mut [f32]) -> u32 {
        softmax(logits);
        pick(logits, self.unit())
    }

    /// Normally distributed with mean 0 and variance 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }
}

/// Turns logits into probabilities.
pub(crate) fn softmax(logits: &mut [f32]) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for logit in logits.iter_mut() {
        *logit = exp(*logit - most);
    }
    let sum: f64 = logits.iter().copied().map(f64::from).sum();
    let scale = (1.0 / sum) as f32;
    for p in logits {
        *p *= scale;
    }
}

/// The index at which the sum of the probabilities passes `unit`, which is from 0 to 1.
pub(crate) fn pick(probabilities: &[f32], unit: f64) -> u32 {
    let mut sum = 0.0;
    for (index, &p) in (0..).zip(probabilities) {
        sum += f64::from(p);
        if unit < sum {
            return index;
        }
    }
    // Rounding left the sum below 1.
    let last = probabilities.iter().rposition(|&p| p > 0.0);
    last.unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_paper_and_of_their_distributions() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
        let (mut mean, mut normal_mean, mut square) = (0.0, 0.0, 0.0);
        for _ in 0..20_000 {
            mean += random.unit() / 20_000.0;
            let x = random.normal();
            normal_mean += x / 20_000.0;
            square += x * x / 20_000.0;
        }
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(normal_mean.abs() < 0.03 && (square - 1.0).abs() < 0.05);
    }
}
