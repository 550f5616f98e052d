//! Gaussian weights of one type, in every form that a coder takes.

use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use half::{bf16, f16};
use hct_core::{Dtype, TensorMeta};

use crate::gaussian::precise_gaussian;
use crate::matrix::Matrix;

/// Standard deviation of the weights.
pub const DEVIATION: f32 = 0.02;

/// A matrix and its values.
pub struct Weights {
    matrix: Matrix,
    /// Elements of two bytes as integers; empty for wider ones.
    words: Vec<u16>,
    values: Vec<f32>,
    tensor: Tensor,
}

/// What a decoder gives back, in the form that it has.
pub enum Decoded {
    /// Elements as they were given.
    Bytes(Vec<u8>),
    /// Elements of two bytes as integers.
    Words(Vec<u16>),
    /// Single precision, whatever the type was.
    Values(Vec<f32>),
    /// The same, as candle has it.
    Tensor(Tensor),
}

impl Weights {
    /// A matrix of Gaussian weights.
    pub fn gaussian(rows: usize, cols: usize, dtype: Dtype) -> Result<Weights> {
        let bytes = gaussian_bytes(rows * cols, dtype)?;
        let shape = vec![rows as u64, cols as u64];
        let meta = TensorMeta {
            name: "gaussian".into(),
            dtype,
            shape,
        };
        let values = values(&bytes, dtype)?;
        let tensor = Tensor::from_slice(&values, (rows, cols), &Device::Cpu)?;
        let words = match dtype {
            Dtype::F32 => Vec::new(),
            _ => words(&bytes),
        };
        Ok(Weights {
            matrix: Matrix::new(meta, bytes)?,
            words,
            values,
            tensor,
        })
    }

    /// As our strategies take them.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// Their bytes.
    pub fn bytes(&self) -> &[u8] {
        self.matrix.bytes()
    }

    /// Their type.
    pub fn dtype(&self) -> Dtype {
        self.matrix.meta.dtype
    }

    /// Elements of two bytes as integers; empty for wider ones.
    pub fn words(&self) -> &[u16] {
        &self.words
    }

    /// In single precision.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// In single precision, as candle takes them.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The relative mean squared error of what came back, and a hash of its bits.
    ///
    /// # Errors
    /// When the number of values is another.
    pub fn compare(&self, decoded: &Decoded) -> Result<(f64, u64)> {
        let dtype = self.dtype();
        let bits = match decoded {
            Decoded::Bytes(bytes) => bytes.clone(),
            Decoded::Words(words) => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
            Decoded::Values(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Decoded::Tensor(tensor) => {
                let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
                values.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
        };
        let values = match decoded {
            Decoded::Bytes(_) | Decoded::Words(_) => values(&bits, dtype)?,
            Decoded::Values(_) | Decoded::Tensor(_) => values(&bits, Dtype::F32)?,
        };
        ensure!(
            values.len() == self.values.len(),
            "{} weights went in, {} came back",
            self.values.len(),
            values.len()
        );
        let errors = self.values.iter().zip(&values);
        let square = |a: f32, b: f32| f64::from(a - b) * f64::from(a - b);
        let error: f64 = errors.map(|(&a, &b)| square(a, b)).sum();
        let energy: f64 = self.values.iter().map(|&a| square(a, 0.0)).sum();
        let mut hasher = DefaultHasher::new();
        bits.hash(&mut hasher);
        Ok((error / energy, hasher.finish()))
    }

    /// Whether every bit came back.
    pub fn same(&self, decoded: &Decoded) -> bool {
        match decoded {
            Decoded::Bytes(bytes) => bytes == self.bytes(),
            Decoded::Words(words) => *words == self.words,
            Decoded::Values(values) => {
                let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
                self.dtype() == Dtype::F32 && bits(values) == bits(&self.values)
            }
            Decoded::Tensor(_) => false,
        }
    }
}

/// Gaussian weights as bytes of a type, the same on every machine.
pub fn gaussian_bytes(n: usize, dtype: Dtype) -> Result<Vec<u8>> {
    let values = precise_gaussian(n, 1).map(|v| (f64::from(DEVIATION) * v) as f32);
    Ok(match dtype {
        Dtype::BF16 => values
            .flat_map(|v| bf16::from_f32(v).to_le_bytes())
            .collect(),
        Dtype::F16 => values
            .flat_map(|v| f16::from_f32(v).to_le_bytes())
            .collect(),
        Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
        other => anyhow::bail!("no weights are made in {}", other.name()),
    })
}

fn words(bytes: &[u8]) -> Vec<u16> {
    let (words, _) = bytes.as_chunks::<2>();
    words.iter().map(|w| u16::from_le_bytes(*w)).collect()
}

fn values(bytes: &[u8], dtype: Dtype) -> Result<Vec<f32>> {
    Ok(match dtype {
        Dtype::BF16 => words(bytes)
            .into_iter()
            .map(|w| bf16::from_bits(w).to_f32())
            .collect(),
        Dtype::F16 => words(bytes)
            .into_iter()
            .map(|w| f16::from_bits(w).to_f32())
            .collect(),
        Dtype::F32 => {
            let (floats, _) = bytes.as_chunks::<4>();
            floats.iter().map(|f| f32::from_le_bytes(*f)).collect()
        }
        other => anyhow::bail!("no weights are made in {}", other.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_is_compared_in_every_form() {
        let weights = Weights::gaussian(2, 256, Dtype::BF16).unwrap();
        let exact = Decoded::Bytes(weights.bytes().to_vec());
        assert!(weights.same(&exact));
        assert!(weights.same(&Decoded::Words(weights.words().to_vec())));
        assert_eq!(weights.compare(&exact).unwrap().0, 0.0);
        let zeros = Decoded::Values(vec![0.0; 512]);
        assert!(!weights.same(&zeros));
        assert_eq!(weights.compare(&zeros).unwrap().0, 1.0);
        let mut bytes = weights.bytes().to_vec();
        bytes[0] ^= 1;
        assert!(!weights.same(&Decoded::Bytes(bytes)));
        assert!(weights.compare(&Decoded::Values(vec![0.0; 511])).is_err());
    }

    #[test]
    fn weights_have_their_deviation() {
        let weights = Weights::gaussian(64, 1024, Dtype::F16).unwrap();
        let energy: f64 = weights.values().iter().map(|&v| f64::from(v * v)).sum();
        let deviation = (energy / weights.values().len() as f64).sqrt();
        assert!(
            (deviation / f64::from(DEVIATION) - 1.0).abs() < 0.01,
            "{deviation}"
        );
    }
}
