//! Tensors from a small deterministic generator: integer arithmetic and libm only, so that every
//! machine makes the same bits.

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// In (0, 1).
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let r = libm::sqrt(-2.0 * libm::log(self.unit()));
        r * libm::cos(std::f64::consts::TAU * self.unit())
    }

    pub fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal() as f32).collect()
    }
}

/// What a tensor is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gaussian,
    /// Student's t of 3 degrees of freedom.
    HeavyTails,
    /// Rank 4 and a little noise.
    LowRank,
    /// Every column a slow wave of its own, as in learned position embeddings.
    Smooth,
    /// Rows and columns from whisper to shout.
    LoudRows,
    /// Column means far larger than what differs between rows.
    Means,
    /// One value in about 500 is 50 σ.
    Outliers,
    /// One value is 1e30 σ.
    HugeOutlier,
    /// The ends of the f32 range among ordinary values.
    Extremes,
    Subnormals,
    Constant,
    Zeros,
    SignedZeros,
}

impl Kind {
    pub const ALL: [Kind; 13] = [
        Kind::Gaussian,
        Kind::HeavyTails,
        Kind::LowRank,
        Kind::Smooth,
        Kind::LoudRows,
        Kind::Means,
        Kind::Outliers,
        Kind::HugeOutlier,
        Kind::Extremes,
        Kind::Subnormals,
        Kind::Constant,
        Kind::Zeros,
        Kind::SignedZeros,
    ];

    /// `rows` × `cols` values of this kind.
    pub fn values(self, rows: usize, cols: usize, seed: u64) -> Vec<f32> {
        let n = rows * cols;
        let mut rng = Rng(seed);
        let mut noise = rng.normals(n);
        match self {
            Kind::Gaussian => {}
            Kind::HeavyTails => {
                for v in &mut noise {
                    let chi: f64 = (0..3).map(|_| rng.normal().powi(2)).sum();
                    *v = (f64::from(*v) / libm::sqrt(chi / 3.0).max(1e-3)) as f32;
                }
            }
            Kind::LowRank => {
                let (l, r) = (rng.normals(4 * rows), rng.normals(4 * cols));
                for (i, v) in noise.iter_mut().enumerate() {
                    let (row, col) = (i / cols, i % cols);
                    let sum: f32 = (0..4).map(|k| l[4 * row + k] * r[4 * col + k]).sum();
                    *v = sum + 0.1 * *v;
                }
            }
            Kind::Smooth => {
                let waves: Vec<(f64, f64)> = (0..cols)
                    .map(|_| (0.2 + 3.0 * rng.unit(), 6.3 * rng.unit()))
                    .collect();
                for (i, v) in noise.iter_mut().enumerate() {
                    let (pace, phase) = waves[i % cols];
                    let along = (i / cols) as f64 / rows as f64;
                    *v = libm::sin(pace * 6.3 * along + phase) as f32 + 0.02 * *v;
                }
            }
            Kind::LoudRows => {
                let loud =
                    |k: usize, spread: f64| libm::exp2(spread * ((k * 7) % 16) as f64) as f32;
                for (i, v) in noise.iter_mut().enumerate() {
                    *v *= loud(i / cols, 0.4) * loud(i % cols, 0.2);
                }
            }
            Kind::Means => {
                let means = rng.normals(cols);
                noise
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, v)| *v = 8.0 * means[i % cols] + 0.5 * *v);
            }
            Kind::Outliers => {
                for _ in 0..n.div_ceil(500) {
                    noise[rng.below(n)] *= 50.0;
                }
            }
            Kind::HugeOutlier => noise[rng.below(n)] = -1e30,
            Kind::Extremes => {
                for extreme in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1)] {
                    noise[rng.below(n)] = extreme;
                }
            }
            Kind::Subnormals => noise.iter_mut().for_each(|v| *v *= 1e-41),
            Kind::Constant => noise.fill(-0.3125),
            Kind::Zeros => noise.fill(0.0),
            Kind::SignedZeros => noise.iter_mut().for_each(|v| *v *= 0.0),
        }
        noise
    }
}
