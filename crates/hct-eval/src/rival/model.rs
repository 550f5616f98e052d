//! A model as a rival format would store it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use hct_core::Dtype;
use hct_model::{TensorInfo, TensorSource};
use rayon::prelude::*;

use super::RivalFormat;
use super::format::block_name;
use crate::Error;
use crate::weights::to_f32;

/// The weights of a model after a rival format, in memory, and the room they would take there.
///
/// Every matrix of floats is put in the format, embeddings included, without llama.cpp's habit of
/// giving some a better one. Matrices whose rows do not divide into the format's blocks (256 long
/// for those ending in K, else 32) get Q8_0 instead of Q6_K, Q5_1 instead of Q5_K, Q5_0 instead of
/// Q4_K, and Q4_0 instead of Q3_K and Q2_K; what does not divide by 32 either, and all that is not a
/// matrix, stays as it is.
pub struct RivalModel<'a> {
    base: &'a dyn TensorSource,
    tensors: Vec<TensorInfo>,
    /// The F32 bytes of the tensors that were put in a block format.
    replaced: Vec<Option<Vec<u8>>>,
    bytes: u64,
    elements: u64,
    weights_by_block: BTreeMap<&'static str, u64>,
}

/// A matrix that went through a block format.
struct Quantized {
    block: &'static str,
    /// The room it takes there.
    bytes: usize,
    /// What comes out again, as F32.
    restored: Vec<u8>,
}

impl<'a> RivalModel<'a> {
    /// Puts `base` through `format` and back.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn new(base: &'a dyn TensorSource, format: RivalFormat) -> Result<RivalModel<'a>, Error> {
        let mut tensors = base.tensors().to_vec();
        let quantized = (0..tensors.len())
            .into_par_iter()
            .map(|index| quantize(base, index, format))
            .collect::<Result<Vec<_>, Error>>()?;

        let (mut bytes, mut elements) = (0, 0);
        let mut weights_by_block = BTreeMap::new();
        let mut replaced = Vec::with_capacity(tensors.len());
        for (info, quantized) in tensors.iter_mut().zip(quantized) {
            let count: u64 = info.shape.iter().product();
            elements += count;
            let Some(quantized) = quantized else {
                bytes += count * info.dtype.bits() as u64 / 8;
                *weights_by_block.entry(info.dtype.name()).or_default() += count;
                replaced.push(None);
                continue;
            };
            bytes += quantized.bytes as u64;
            *weights_by_block.entry(quantized.block).or_default() += count;
            info.dtype = Dtype::F32;
            replaced.push(Some(quantized.restored));
        }
        Ok(RivalModel {
            base,
            tensors,
            replaced,
            bytes,
            elements,
            weights_by_block,
        })
    }

    /// The room all tensors together take, scales and the unquantized included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The same per weight, in bits.
    pub fn bits_per_weight(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.elements as f64
    }

    /// How many weights are stored as what.
    pub fn weights_by_block(&self) -> &BTreeMap<&'static str, u64> {
        &self.weights_by_block
    }
}

impl TensorSource for RivalModel<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn read(&self, index: usize) -> Result<Cow<'_, [u8]>, hct_model::Error> {
        match self.replaced.get(index) {
            Some(Some(bytes)) => Ok(Cow::Borrowed(bytes)),
            _ => self.base.read(index),
        }
    }
}

/// Tensor `index` in `format`, if that is possible.
fn quantize(
    base: &dyn TensorSource,
    index: usize,
    format: RivalFormat,
) -> Result<Option<Quantized>, Error> {
    let info = &base.tensors()[index];
    let (&[rows, row], true) = (&info.shape[..], info.dtype.is_codable()) else {
        return Ok(None);
    };
    let (rows, row) = (rows as usize, row as usize);
    let Some(block) = format.block_for(row).filter(|_| rows * row > 0) else {
        return Ok(None);
    };
    let values = to_f32(info, &base.read(index)?)?;
    let tensor = Tensor::from_vec(values, (rows, row), &Device::Cpu)?;
    let stored = QTensor::quantize(&tensor, block)?;
    let restored: Vec<f32> = stored.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1()?;
    Ok(Some(Quantized {
        block: block_name(block),
        bytes: stored.storage_size_in_bytes(),
        restored: restored.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }))
}
