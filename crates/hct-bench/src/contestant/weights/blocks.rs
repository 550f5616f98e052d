//! The block formats of llama.cpp, as candle makes and reads them.

use anyhow::{Result, bail};
use candle_core::Device;
use candle_core::quantized::{GgmlDType, QTensor};

use super::super::{Contestant, Label};
use super::CodedWeights;
use crate::weights::{Decoded, Weights};

/// A block format. Single precision in, single precision out: turning BF16 into it and back is not
/// timed.
pub struct CandleBlocks {
    /// llama.cpp's name.
    pub name: &'static str,
    /// Candle's.
    pub format: GgmlDType,
}

impl Contestant<Weights> for CandleBlocks {
    fn label(&self) -> Label {
        Label::of(&format!("{} (candle)", self.name))
    }

    fn encode(&self, weights: &Weights) -> Result<CodedWeights> {
        let blocks = QTensor::quantize(weights.tensor(), self.format)?;
        Ok(CodedWeights::Blocks(blocks))
    }

    fn decode(&self, coded: &CodedWeights, _weights: &Weights) -> Result<Decoded> {
        match coded {
            CodedWeights::Blocks(blocks) => Ok(Decoded::Tensor(blocks.dequantize(&Device::Cpu)?)),
            CodedWeights::Bytes(_) => bail!("bytes of another contestant"),
        }
    }
}
