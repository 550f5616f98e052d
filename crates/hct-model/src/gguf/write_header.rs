//! Making a header.

use super::error::GgufError;
use super::header::GgufHeader;
use super::tensor::GgufTensor;
use super::tensor_type::GgufType;
use super::value::{GgufValue, put_string};
use super::{DEFAULT_ALIGNMENT, MAGIC};

impl GgufHeader {
    /// The header of a new file of version 3 with these tensors, each with its type and its shape in
    /// elements (outermost dimension first), one after the other.
    ///
    /// # Errors
    /// When a key or a name is there twice, rows are no whole blocks, there are more than 4
    /// dimensions, `general.alignment` is none, or a type is not one of GGUF.
    pub fn new(
        metadata: Vec<(String, GgufValue)>,
        tensors: Vec<(String, GgufType, Vec<u64>)>,
    ) -> Result<GgufHeader, GgufError> {
        let alignment = match metadata.iter().find(|(k, _)| k == "general.alignment") {
            Some((_, value)) => value.integer().and_then(|n| u64::try_from(n).ok()),
            None => None,
        };
        let alignment = alignment.filter(|a| a.is_power_of_two());
        let alignment = alignment.unwrap_or(DEFAULT_ALIGNMENT);
        let mut offset = 0u64;
        let mut placed = Vec::new();
        for (name, kind, shape) in tensors {
            let tensor = GgufTensor {
                name,
                kind,
                shape,
                offset,
            };
            tensor.check()?;
            let end = offset.checked_add(tensor.byte_len());
            let next = end.and_then(|end| end.checked_next_multiple_of(alignment));
            let Some(next) = next else {
                return Err(GgufError::TooLarge { name: tensor.name });
            };
            offset = next;
            placed.push(tensor);
        }
        let header = GgufHeader {
            version: 3,
            metadata,
            tensors: placed,
            alignment,
            data_start: 0,
        };
        // What reads back is right.
        GgufHeader::parse(&header.to_bytes()?, u64::MAX)
    }

    /// The bytes before the data, padding included.
    ///
    /// # Errors
    /// When a tensor is of a type that is not one of GGUF.
    pub fn to_bytes(&self) -> Result<Vec<u8>, GgufError> {
        let mut out = MAGIC.to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_string(&mut out, key.as_bytes());
            value.write(&mut out);
        }
        for tensor in &self.tensors {
            let Some(code) = tensor.kind.code() else {
                return Err(GgufError::TensorType {
                    name: tensor.name.clone(),
                    code: u32::MAX,
                });
            };
            put_string(&mut out, tensor.name.as_bytes());
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            let inner_first = tensor.shape.iter().rev();
            inner_first.for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(code.to_le_bytes());
            out.extend(tensor.offset.to_le_bytes());
        }
        let len = (out.len() as u64).next_multiple_of(self.alignment);
        out.resize(len as usize, 0);
        Ok(out)
    }
}
