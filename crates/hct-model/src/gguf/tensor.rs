//! What a GGUF header says of a tensor.

use hct_core::{Dtype, element_count};

use super::bytes::Bytes;
use super::error::GgufError;
use super::tensor_type::GgufType;
use crate::tensor_info::TensorInfo;

/// Most dimensions of a tensor.
const MAX_DIMENSIONS: u32 = 4;

/// Name, type, shape and place of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufTensor {
    /// The name.
    pub name: String,
    /// How elements are stored.
    pub kind: GgufType,
    /// Dimensions in elements, outermost first (files have the innermost first).
    pub shape: Vec<u64>,
    /// Bytes from the start of the data.
    pub offset: u64,
}

impl GgufTensor {
    /// Reads one, and checks all that can be without its neighbours.
    pub(super) fn read(r: &mut Bytes<'_>) -> Result<GgufTensor, GgufError> {
        let name = r.text()?;
        r.what = format!("the tensor {name:?}");
        let dimensions = r.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(GgufError::Dimensions { name, dimensions });
        }
        let mut shape = (0..dimensions)
            .map(|_| r.u64())
            .collect::<Result<Vec<_>, _>>()?;
        shape.reverse();
        let code = r.u32()?;
        let offset = r.u64()?;
        let Some(kind) = GgufType::from_code(code) else {
            return Err(GgufError::TensorType { name, code });
        };
        let tensor = GgufTensor {
            name,
            kind,
            shape,
            offset,
        };
        tensor.check()?;
        Ok(tensor)
    }

    /// Errs unless the rows are whole blocks, and not too many.
    pub(super) fn check(&self) -> Result<(), GgufError> {
        let block = self.kind.block_elements();
        let row = self.shape.last().copied().unwrap_or(1);
        if row % block as u64 != 0 {
            let name = self.name.clone();
            return Err(GgufError::PartialBlock { name, row, block });
        }
        let blocks = element_count(&self.shape).map(|n| n / block as u64);
        let bytes = blocks.and_then(|blocks| blocks.checked_mul(self.kind.block_bytes() as u64));
        // Lengths are counted in bits elsewhere: one that wraps there would be none.
        let bytes = bytes.filter(|bytes| bytes.checked_mul(8).is_some());
        match bytes {
            Some(bytes) if bytes <= i64::MAX as u64 => Ok(()),
            _ => Err(GgufError::TooLarge {
                name: self.name.clone(),
            }),
        }
    }

    /// Bytes of its data.
    pub fn byte_len(&self) -> u64 {
        self.info().byte_len()
    }

    /// The tensor as an HCT file has it: a plain one as it is; of blocks the bytes, a row of them
    /// for each row of weights.
    pub fn info(&self) -> TensorInfo {
        let (mut shape, name) = (self.shape.clone(), self.name.clone());
        let dtype = match self.kind {
            GgufType::Plain(dtype) => dtype,
            GgufType::Blocks(kind) => {
                if let Some(row) = shape.last_mut() {
                    *row = *row / kind.weights() as u64 * kind.bytes() as u64;
                }
                Dtype::U8
            }
        };
        TensorInfo { name, dtype, shape }
    }
}
