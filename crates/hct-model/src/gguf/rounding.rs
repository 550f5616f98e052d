//! Blocks of weights, and numbers, as numbers of another dtype.

use std::borrow::Cow;
use std::ops::Range;

use half::{bf16, f16};
use hct_core::Dtype;

use super::error::GgufError;
use super::tensor_type::GgufType;
use crate::error::Error;

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
