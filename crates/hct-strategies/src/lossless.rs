//! Everything bit for bit.

use hct_core::{EncodedTensor, Result};

use crate::{Coded, Strategy, StrategyName, TensorView};

/// Stores every tensor losslessly, exponents and mantissas entropy-coded apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct LosslessEncoder;

impl Strategy for LosslessEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Lossless.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let coded = EncodedTensor::lossless(tensor.meta, tensor.bytes)?;
        Ok(Coded {
            tensor: coded,
            label: self.name().into(),
        })
    }
}
