//! The JSON of a safetensors header, as it is written.
//!
//! The safetensors library is not used for this: its maps silently keep the last of two entries
//! of one name and forget the order of `__metadata__`, and its errors do not name the tensor.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::limits::{MAX_METADATA, MAX_TENSORS};
use crate::json_pairs::JsonPairs;

/// More dimensions than any framework has; keeps a header of many numbers from becoming a vector
/// several times its size.
const MAX_DIMENSIONS: usize = 64;

/// The entries of a header in the order they are written, duplicates included.
#[derive(Default)]
pub(super) struct RawHeader {
    pub metadata: Vec<(String, String)>,
    pub tensors: Vec<(String, RawTensor)>,
}

#[derive(Deserialize)]
pub(super) struct RawTensor {
    pub dtype: String,
    #[serde(deserialize_with = "shape")]
    pub shape: Vec<u64>,
    pub data_offsets: (u64, u64),
}

pub(super) fn parse(text: &str) -> serde_json::Result<RawHeader> {
    serde_json::from_str(text)
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader::default();
        let mut seen_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if seen_metadata {
                    return Err(A::Error::custom("__metadata__ is there twice"));
                }
                seen_metadata = true;
                let pairs: Option<JsonPairs<MAX_METADATA>> = map
                    .next_value()
                    .map_err(|error| A::Error::custom(format_args!("__metadata__: {error}")))?;
                header.metadata = pairs.map(|JsonPairs(pairs)| pairs).unwrap_or_default();
            } else {
                if header.tensors.len() == MAX_TENSORS {
                    return Err(A::Error::custom(format_args!(
                        "more than {MAX_TENSORS} tensors"
                    )));
                }
                let tensor = map
                    .next_value()
                    .map_err(|error| A::Error::custom(format_args!("tensor {name:?}: {error}")))?;
                header.tensors.push((name, tensor));
            }
        }
        Ok(header)
    }
}

fn shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    struct Shape;
    impl<'de> Visitor<'de> for Shape {
        type Value = Vec<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of dimensions")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u64>, A::Error> {
            let mut shape = Vec::new();
            while let Some(dim) = seq.next_element()? {
                if shape.len() == MAX_DIMENSIONS {
                    return Err(A::Error::custom(format_args!(
                        "more than {MAX_DIMENSIONS} dimensions"
                    )));
                }
                shape.push(dim);
            }
            Ok(shape)
        }
    }
    deserializer.deserialize_seq(Shape)
}
