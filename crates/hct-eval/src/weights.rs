//! Weights by name, as F32 tensors of the shape that is called for.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use half::{bf16, f16};
use hct_core::Dtype;
use hct_model::{TensorInfo, TensorSource};

use crate::Error;

pub(crate) struct Weights<'a> {
    source: &'a dyn TensorSource,
    by_name: HashMap<&'a str, usize>,
    /// What stands before every name.
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    /// The weights of `source`. A model that was saved as part of a larger one has a prefix on its
    /// names: the first of `prefixes` with which there is a tensor `probe`, if any, is taken.
    pub fn new(
        source: &'a dyn TensorSource,
        probe: &str,
        prefixes: &[&'static str],
    ) -> Result<Weights<'a>, Error> {
        let tensors = source.tensors().iter().enumerate();
        let by_name: HashMap<&str, usize> = tensors.map(|(i, t)| (t.name.as_str(), i)).collect();
        let prefix = prefixes
            .iter()
            .find(|prefix| by_name.contains_key(format!("{prefix}{probe}").as_str()))
            .ok_or_else(|| Error::TensorMissing {
                name: format!("{}{probe}", prefixes[0]),
            })?;
        Ok(Weights {
            source,
            by_name,
            prefix,
        })
    }

    /// What stands before every name.
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// The tensor `name`, after the prefix.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, Error> {
        self.unprefixed(&format!("{}{name}", self.prefix), shape)
    }

    /// The tensor of exactly this name.
    pub fn unprefixed(&self, name: &str, shape: &[usize]) -> Result<Tensor, Error> {
        let &index = self.by_name.get(name).ok_or_else(|| Error::TensorMissing {
            name: name.to_owned(),
        })?;
        let info = &self.source.tensors()[index];
        if !info
            .shape
            .iter()
            .copied()
            .eq(shape.iter().map(|&n| n as u64))
        {
            return Err(Error::TensorShape {
                name: name.to_owned(),
                found: info.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let values = to_f32(info, &self.source.read(index)?)?;
        let expected = shape.iter().product::<usize>();
        if values.len() != expected {
            return Err(Error::TensorLength {
                name: name.to_owned(),
                found: values.len() * info.dtype.bits() / 8,
                expected: expected * info.dtype.bits() / 8,
            });
        }
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }
}

/// The numbers in the little-endian bytes of a tensor of floats.
pub(crate) fn to_f32(info: &TensorInfo, bytes: &[u8]) -> Result<Vec<f32>, Error> {
    fn map<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        bytes.as_chunks().0.iter().map(|&b| number(b)).collect()
    }
    Ok(match info.dtype {
        Dtype::F16 => map(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => map(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F32 => map(bytes, f32::from_le_bytes),
        Dtype::F64 => map(bytes, |b| f64::from_le_bytes(b) as f32),
        dtype => {
            let name = info.name.clone();
            return Err(Error::TensorDtype { name, dtype });
        }
    })
}

/// The bytes of numbers, rounded to the dtype of a tensor of floats.
pub(crate) fn from_f32(info: &TensorInfo, values: &[f32]) -> Result<Vec<u8>, Error> {
    fn map<const N: usize>(values: &[f32], bytes: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|&value| bytes(value)).collect()
    }
    Ok(match info.dtype {
        Dtype::F16 => map(values, |x| f16::from_f32(x).to_le_bytes()),
        Dtype::BF16 => map(values, |x| bf16::from_f32(x).to_le_bytes()),
        Dtype::F32 => map(values, f32::to_le_bytes),
        Dtype::F64 => map(values, |x| f64::from(x).to_le_bytes()),
        dtype => {
            let name = info.name.clone();
            return Err(Error::TensorDtype { name, dtype });
        }
    })
}
