//! The header of one safetensors file, from a checkpoint or carried in an HCT file.

mod error;
mod json;
mod limits;

use std::ops::Range;

use hct_core::{Dtype, element_count};

use crate::json_pairs::first_duplicate;
use crate::tensor_info::TensorInfo;
pub use error::HeaderError;
pub(crate) use limits::{MAX_HEADER_LEN, MAX_TENSORS};

/// Bytes before the header: its length, little-endian.
pub(crate) const PREFIX_LEN: u64 = 8;

/// A checked header: its tensors cover the data from the first byte to the last, in order and
/// without overlap, and each has the length that its type and shape ask for.
#[derive(Clone, Debug)]
pub struct Header {
    bytes: Vec<u8>,
    metadata: Vec<(String, String)>,
    tensors: Vec<HeaderTensor>,
    data_len: u64,
}

/// One tensor and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTensor {
    /// Name, type and shape.
    pub info: TensorInfo,
    /// The tensor's bytes, counted from the first byte after the header.
    pub range: Range<u64>,
}

impl Header {
    /// Parses and checks a header: the JSON with its padding, but without the 8 bytes of length
    /// before it. `data_len` is the number of bytes that follow it in the file.
    ///
    /// # Errors
    /// When the header is not JSON of the right form, or what it says cannot be.
    pub fn parse(bytes: impl Into<Vec<u8>>, data_len: u64) -> Result<Header, HeaderError> {
        Header::parse_of(bytes.into(), Some(data_len))
    }

    /// The same of a header whose data is not there: it is as long as the header says.
    pub(crate) fn parse_alone(bytes: Vec<u8>) -> Result<Header, HeaderError> {
        Header::parse_of(bytes, None)
    }

    fn parse_of(bytes: Vec<u8>, data_len: Option<u64>) -> Result<Header, HeaderError> {
        if bytes.len() as u64 > MAX_HEADER_LEN {
            let len = bytes.len() as u64;
            return Err(HeaderError::TooLarge {
                len,
                limit: MAX_HEADER_LEN,
            });
        }
        let text = str::from_utf8(&bytes).map_err(|error| HeaderError::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        })?;
        let json::RawHeader { metadata, tensors } = json::parse(text).map_err(HeaderError::Json)?;

        if let Some(key) = first_duplicate(metadata.iter().map(|(key, _)| key.as_str())) {
            return Err(HeaderError::DuplicateMetadata {
                key: key.to_owned(),
            });
        }
        if let Some(name) = first_duplicate(tensors.iter().map(|(name, _)| name.as_str())) {
            return Err(HeaderError::DuplicateTensor {
                tensor: name.to_owned(),
            });
        }
        let mut tensors = tensors
            .into_iter()
            .map(|(name, raw)| check_tensor(name, raw, data_len.unwrap_or(u64::MAX)))
            .collect::<Result<Vec<_>, _>>()?;
        // Empty tensors share their start with the next one and must come before it; among
        // themselves they stay in header order (the sort is stable).
        tensors.sort_by_key(|tensor| (tensor.range.start, tensor.range.end));
        let last = tensors.last().map_or(0, |tensor| tensor.range.end);
        let data_len = data_len.unwrap_or(last);
        check_coverage(&tensors, data_len)?;
        Ok(Header {
            bytes,
            metadata,
            tensors,
            data_len,
        })
    }

    /// The header of a file of these tensors, in this order and without metadata.
    ///
    /// # Errors
    /// When two have the same name, one is called `__metadata__`, or one is not whole bytes.
    pub fn of(tensors: &[TensorInfo]) -> Result<Header, HeaderError> {
        Header::with_metadata(&[], tensors)
    }

    /// The header of a file of these tensors, in this order, and with these keys and values as
    /// metadata.
    ///
    /// # Errors
    /// Those of [`Header::of`], and when two keys are the same.
    pub fn with_metadata(
        metadata: &[(&str, String)],
        tensors: &[TensorInfo],
    ) -> Result<Header, HeaderError> {
        let (mut text, mut at) = (String::from("{"), 0u64);
        if !metadata.is_empty() {
            let pairs = metadata.iter().map(|(key, value)| {
                let (key, value) = (serde_json::to_string(key)?, serde_json::to_string(value)?);
                Ok(format!("{key}:{value}"))
            });
            let pairs: Vec<String> = pairs.collect::<Result<_, _>>().map_err(HeaderError::Json)?;
            text += &format!(r#""__metadata__":{{{}}}"#, pairs.join(","));
        }
        for TensorInfo { name, dtype, shape } in tensors {
            let end = element_count(shape)
                .and_then(|n| n.checked_mul(dtype.bits() as u64))
                .and_then(|bits| at.checked_add(bits / 8))
                .ok_or_else(|| HeaderError::ShapeOverflow {
                    tensor: name.clone(),
                    shape: shape.clone(),
                })?;
            let separator = if text.len() > 1 { "," } else { "" };
            let name = serde_json::to_string(name).map_err(HeaderError::Json)?;
            text += &format!(
                r#"{separator}{name}:{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
            );
            at = end;
        }
        text.push('}');
        // Data that begins at a multiple of 8 can be mapped and used in place.
        text += &" ".repeat(text.len().next_multiple_of(8) - text.len());
        Header::parse(text, at)
    }

    /// The header as it is in the file, padding included, without the 8 bytes of length.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The free-form `__metadata__`, in the order of the file; empty when there is none.
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The tensors, in the order of their bytes.
    pub fn tensors(&self) -> &[HeaderTensor] {
        &self.tensors
    }

    /// The length of the data after the header.
    pub fn data_len(&self) -> u64 {
        self.data_len
    }

    /// The length of everything before the data: the header and the 8 bytes before it.
    pub(crate) fn data_start(&self) -> u64 {
        PREFIX_LEN + self.bytes.len() as u64
    }
}

/// Checks what can be said about a tensor by itself.
fn check_tensor(
    tensor: String,
    raw: json::RawTensor,
    data_len: u64,
) -> Result<HeaderTensor, HeaderError> {
    let json::RawTensor {
        dtype,
        shape,
        data_offsets: (start, end),
    } = raw;
    let Some(dtype) = Dtype::from_name(&dtype) else {
        return Err(HeaderError::UnknownDtype { tensor, dtype });
    };
    let Some(actual) = end.checked_sub(start) else {
        return Err(HeaderError::Reversed { tensor, start, end });
    };
    let Some(bits) =
        element_count(&shape).and_then(|elements| elements.checked_mul(dtype.bits() as u64))
    else {
        return Err(HeaderError::ShapeOverflow { tensor, shape });
    };
    if bits % 8 != 0 {
        return Err(HeaderError::PartialByte {
            tensor,
            dtype,
            shape,
        });
    }
    let expected = bits / 8;
    if expected != actual {
        return Err(HeaderError::WrongLength {
            tensor,
            dtype,
            shape,
            expected,
            actual,
        });
    }
    if end > data_len {
        return Err(HeaderError::PastEndOfData {
            tensor,
            end,
            data_len,
        });
    }
    Ok(HeaderTensor {
        info: TensorInfo {
            name: tensor,
            dtype,
            shape,
        },
        range: start..end,
    })
}

/// Checks that sorted tensors follow each other from the first byte of the data to the last.
fn check_coverage(tensors: &[HeaderTensor], data_len: u64) -> Result<(), HeaderError> {
    let mut previous_end = 0;
    let mut other = "";
    for HeaderTensor { info, range } in tensors {
        let (tensor, start) = (&info.name, range.start);
        if start < previous_end {
            return Err(HeaderError::Overlap {
                tensor: tensor.clone(),
                start,
                other: other.to_owned(),
                other_end: previous_end,
            });
        }
        if start > previous_end {
            return Err(HeaderError::Gap {
                tensor: tensor.clone(),
                start,
                previous_end,
            });
        }
        (previous_end, other) = (range.end, tensor);
    }
    if previous_end != data_len {
        return Err(HeaderError::Trailing {
            end: previous_end,
            data_len,
        });
    }
    Ok(())
}
