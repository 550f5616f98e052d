//! A GGUF file with its blocks of quantized weights as numbers.

use hct_core::{Dtype, ReadAt};

use super::error::GgufError;
use super::header::GgufHeader;
use super::source::Gguf;
use super::tensor_type::GgufType;
use super::value::GgufValue;
use crate::checkpoint_source::CheckpointSource;
use crate::error::Error;

/// The key that says what most tensors of a file are, and what it says of plain ones.
const FILE_TYPE: &str = "general.file_type";
const FILE_TYPES: [(Dtype, u32); 3] = [(Dtype::F32, 0), (Dtype::F16, 1), (Dtype::BF16, 32)];

impl<R: ReadAt> Gguf<R> {
    /// The same with block-quantized tensors as numbers of `dtype`: F16, BF16 or F32. Other tensors are
    /// as they are.
    ///
    /// # Errors
    /// When `dtype` is another, or it is not known how to compute the numbers of a tensor.
    pub fn dequantized(self, dtype: Dtype) -> Result<Self, Error> {
        let path = self.name().to_owned();
        let header = self.header().dequantized(dtype);
        self.shown_as(header.map_err(Error::gguf(&path))?)
    }
}

impl GgufHeader {
    /// The header of that file.
    fn dequantized(&self, dtype: Dtype) -> Result<GgufHeader, GgufError> {
        let Some(&(_, file_type)) = FILE_TYPES.iter().find(|(d, _)| *d == dtype) else {
            return Err(GgufError::NoFloats { dtype });
        };
        let mut metadata = self.metadata.clone();
        if let Some((_, value)) = metadata.iter_mut().find(|(key, _)| key == FILE_TYPE) {
            *value = GgufValue::U32(file_type);
        }
        let plain = |tensor: &super::GgufTensor| {
            let kind = match tensor.kind {
                GgufType::Plain(_) => tensor.kind,
                // Nothing of it is nothing, where it is known how.
                GgufType::Blocks(_) if tensor.kind.dequantize(&[]).is_some() => {
                    GgufType::Plain(dtype)
                }
                kind @ GgufType::Blocks(_) => {
                    let name = tensor.name.clone();
                    return Err(GgufError::NoNumbers { name, kind });
                }
            };
            Ok((tensor.name.clone(), kind, tensor.shape.clone()))
        };
        let tensors = self.tensors.iter().map(plain);
        GgufHeader::new(metadata, tensors.collect::<Result<_, _>>()?)
    }
}
