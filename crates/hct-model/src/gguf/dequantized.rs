//! A GGUF file with its blocks of quantized weights as numbers.

use std::borrow::Cow;
use std::ops::Range;

use half::{bf16, f16};
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

/// The bytes `range` of the numbers of `dtype` that blocks of `kind` stand for, `read` giving bytes of
/// blocks.
///
/// # Errors
/// When blocks cannot be read, or a number is beyond the dtype.
pub(super) fn read_as<'a>(
    name: &str,
    kind: GgufType,
    dtype: Dtype,
    range: Range<u64>,
    read: impl FnOnce(Range<u64>) -> Result<Cow<'a, [u8]>, Error>,
    fault: impl FnOnce(GgufError) -> Error,
) -> Result<Vec<u8>, Error> {
    let per_block = (kind.block_elements() * dtype.bits() / 8) as u64;
    let first = range.start / per_block;
    let last = range.end.div_ceil(per_block);
    let size = kind.block_bytes() as u64;
    let bytes = read(first * size..last * size)?;
    let Some(values) = kind.dequantize(&bytes) else {
        let name = name.to_owned();
        return Err(fault(GgufError::NoNumbers { name, kind }));
    };
    let Some(mut out) = rounded(&values, dtype) else {
        let name = name.to_owned();
        return Err(fault(GgufError::Beyond { name, dtype }));
    };
    out.truncate((range.end - first * per_block) as usize);
    out.drain(..(range.start - first * per_block) as usize);
    Ok(out)
}

/// Numbers as little-endian bytes of `dtype`; `None` where a finite one becomes infinite, or the dtype is
/// none of those that tensors are shown as.
pub(super) fn rounded(values: &[f32], dtype: Dtype) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(values.len() * dtype.bits() / 8);
    for &value in values {
        let finite = match dtype {
            Dtype::F32 => {
                out.extend(value.to_le_bytes());
                true
            }
            Dtype::F16 => {
                let half = f16::from_f32(value);
                out.extend(half.to_le_bytes());
                half.is_finite()
            }
            Dtype::BF16 => {
                let half = bf16::from_f32(value);
                out.extend(half.to_le_bytes());
                half.is_finite()
            }
            _ => return None,
        };
        if !finite && value.is_finite() {
            return None;
        }
    }
    Some(out)
}
