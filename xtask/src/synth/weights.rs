//! Synthetic weights with the heavy tails of trained ones, the same on every platform.
//!
//! A weight is a Student-t number of four degrees of freedom, times a log-normal scale of its row
//! and one of its column; about one in a million is an outlier of hundreds of standard deviations.
//! Every random number follows from the seed, the tensor's name and the row, and all functions
//! beyond plain arithmetic come from `libm`, whose results do not depend on the platform.

use std::io::Write;

use anyhow::{Result, bail};
use half::bf16;

use crate::tensor_file::TensorSpec;

/// How much rows and columns differ in scale: the standard deviation of the scale's logarithm.
const SCALE_SPREAD: f64 = 0.3;
/// Weights per outlier.
const OUTLIER_EVERY: u64 = 1 << 20;

/// Makes the weights of tensors from one seed.
pub struct Source {
    seed: u64,
    /// The unit-variance Student-t distribution, by quantile.
    student: Vec<f32>,
}

impl Source {
    /// A source for one seed.
    pub fn new(seed: u64) -> Self {
        // Each of 2^16 equally likely values stands for the middle of its share of probability.
        let student = (0..1u32 << 16).map(|n| student_quantile((f64::from(n) + 0.5) / 65536.0));
        Self {
            seed,
            student: student.collect(),
        }
    }

    /// Writes a tensor's weights as BF16.
    pub fn write_tensor<W: Write>(&self, out: &mut W, spec: &TensorSpec) -> Result<()> {
        let mut random = SplitMix(self.seed ^ hash(&spec.name));
        match spec.shape[..] {
            [columns] => {
                let norm: Vec<u8> = (0..columns)
                    .flat_map(|_| bf16::from_f64(log_normal(&mut random)).to_le_bytes())
                    .collect();
                Ok(out.write_all(&norm)?)
            }
            [rows, columns] => self.write_matrix(out, &mut random, rows, columns),
            _ => bail!("{} is neither a vector nor a matrix", spec.name),
        }
    }

    fn write_matrix<W: Write>(
        &self,
        out: &mut W,
        random: &mut SplitMix,
        rows: usize,
        columns: usize,
    ) -> Result<()> {
        let deviation = 1.0 / (columns as f64).sqrt();
        let scales: Vec<f32> = (0..columns).map(|_| log_normal(random) as f32).collect();
        let mut row = vec![0.0f32; columns];
        let mut bytes = vec![0; columns * 2];
        for _ in 0..rows {
            let row_scale = (log_normal(random) * deviation) as f32;
            for (weights, scales) in row.chunks_mut(4).zip(scales.chunks(4)) {
                let mut bits = random.next();
                for (weight, scale) in weights.iter_mut().zip(scales) {
                    *weight = self.student[(bits & 0xffff) as usize] * row_scale * scale;
                    bits >>= 16;
                }
            }
            if random.next() % OUTLIER_EVERY < columns as u64 {
                let size = (100.0 + 400.0 * random.uniform()) * deviation;
                let sign = if random.next() & 1 == 0 { 1.0 } else { -1.0 };
                row[(random.next() % columns as u64) as usize] = (sign * size) as f32;
            }
            for (pair, &weight) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(&row) {
                *pair = bf16::from_f32(weight).to_le_bytes();
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// The quantile of a Student-t distribution of four degrees of freedom, scaled to unit variance.
fn student_quantile(p: f64) -> f32 {
    // Four degrees of freedom have a closed form.
    let root = (4.0 * p * (1.0 - p)).sqrt();
    let q = libm::cos(libm::acos(root) / 3.0) / root;
    let size = 2.0 * (q - 1.0).max(0.0).sqrt() / std::f64::consts::SQRT_2;
    if p < 0.5 { -size as f32 } else { size as f32 }
}

/// A log-normal scale around 1. The normal number is the sum of twelve uniform ones.
fn log_normal(random: &mut SplitMix) -> f64 {
    let normal = (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0;
    libm::exp(SCALE_SPREAD * normal)
}

/// FNV-1a.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The SplitMix64 generator.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize) -> Vec<f64> {
        let mut bytes = Vec::new();
        let spec = TensorSpec::new("w", &[rows, columns]);
        Source::new(1).write_tensor(&mut bytes, &spec).unwrap();
        assert_eq!(bytes.len(), rows * columns * 2);
        bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| bf16::from_le_bytes(*pair).to_f64())
            .collect()
    }

    #[test]
    fn quantiles() {
        // Tabulated: the 97.5 % point of t with four degrees of freedom is 2.776.
        let unscaled = |p| f64::from(student_quantile(p)) * std::f64::consts::SQRT_2;
        assert!((unscaled(0.975) - 2.7764).abs() < 1e-3);
        assert!((unscaled(0.025) + 2.7764).abs() < 1e-3);
        assert!(unscaled(0.5).abs() < 1e-6);
    }

    #[test]
    fn weights_have_outliers_and_the_expected_spread() {
        let weights = matrix(4096, 1024);
        let scale = 1.0 / 1024f64.sqrt();
        let outliers = weights.iter().filter(|w| w.abs() > 99.0 * scale).count();
        assert!((1..=20).contains(&outliers), "{outliers} outliers");
        let usual: Vec<f64> = weights
            .into_iter()
            .filter(|w| w.abs() < 50.0 * scale)
            .collect();
        let variance = usual.iter().map(|w| w * w).sum::<f64>() / usual.len() as f64;
        let deviations = variance.sqrt() / scale;
        assert!((0.9..1.5).contains(&deviations), "{deviations}");
    }

    #[test]
    fn the_first_weights_never_change() {
        // Recorded once: a change here makes old synthetic checkpoints impossible to make again.
        assert_eq!(
            matrix(1, 4),
            [-0.50390625, 0.76953125, -0.40625, 0.88671875]
        );
    }
}
