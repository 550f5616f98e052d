//! Reproducible random vectors.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator with its own sequence for every seed.
    pub fn new(seed: u64) -> Self {
        SplitMix64(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fills `out` with independent values uniform in [−1, 1).
    pub fn fill(&mut self, out: &mut [f32]) {
        for v in out {
            // 24 bits are exact in f32.
            *v = (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_sequence() {
        // First outputs of the reference implementation for this seed.
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }
}
