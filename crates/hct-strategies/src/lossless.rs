//! Everything bit for bit.

use hct_core::{EncodedTensor, Result};

use crate::{BaseView, Coded, Strategy, StrategyName, TensorView};

/// Stores every tensor losslessly, exponents and mantissas entropy-coded apart; where it has a
/// base, as its difference from that if it is smaller.
#[derive(Clone, Copy, Debug, Default)]
pub struct LosslessEncoder;

impl Strategy for LosslessEncoder {
    fn name(&self) -> &'static str {
        StrategyName::Lossless.name()
    }

    fn encode(&self, tensor: TensorView<'_>) -> Result<Coded> {
        let coded = bit_for_bit(tensor)?;
        Ok(Coded::new(coded.tensor, coded.how))
    }
}

/// A tensor coded losslessly.
pub(crate) struct BitForBit {
    pub tensor: EncodedTensor,
    /// Payload, and what its record has of a base.
    pub bytes: usize,
    /// In words, for labels.
    pub how: &'static str,
}

/// `tensor` losslessly: alone, or as its difference from its base where that is smaller.
///
/// # Errors
/// When the bytes, or those of the base, are not the tensor's elements.
pub(crate) fn bit_for_bit(tensor: TensorView<'_>) -> Result<BitForBit> {
    let alone = || {
        let coded = EncodedTensor::lossless(tensor.meta, tensor.bytes)?;
        Ok(BitForBit {
            bytes: coded.payload_bytes(),
            tensor: coded,
            how: StrategyName::Lossless.name(),
        })
    };
    let Some(base) = tensor.base else {
        return alone();
    };
    let coded = EncodedTensor::delta(tensor.meta, tensor.bytes, base.tensor.clone(), base.bytes)?;
    let Some(coded) = coded else {
        return alone();
    };
    let same = tensor.bytes == base.bytes;
    let difference = BitForBit {
        bytes: coded.payload_bytes() + base.record_bytes(tensor.meta),
        tensor: coded,
        how: if same { UNCHANGED } else { "lossless on base" },
    };
    // No need to look: only scraps are shorter than what names a base.
    if same && tensor.bytes.len() >= WORTH_NAMING {
        return Ok(difference);
    }
    let alone = alone()?;
    Ok(if difference.bytes < alone.bytes {
        difference
    } else {
        alone
    })
}

/// How labels say that a tensor is its base.
const UNCHANGED: &str = "unchanged";
/// Bytes of a tensor from which on an unchanged one is stored as nothing but the name of its base,
/// even if it is a constant, say.
const WORTH_NAMING: usize = 4096;

/// `tensor` as its base where they are the same and it is no scrap, for any strategy.
pub(crate) fn unchanged(tensor: TensorView<'_>, name: &str) -> Result<Option<Coded>> {
    let same = |base: BaseView<'_>| base.bytes == tensor.bytes;
    if !tensor.base.is_some_and(same) {
        return Ok(None);
    }
    let coded = bit_for_bit(tensor)?;
    let label = format!("{name} ({})", coded.how);
    Ok(Some(Coded::new(coded.tensor, label)))
}
