//! JSON objects of strings as they are written: serde's maps lose the order and hide duplicates.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

/// The entries of a JSON object of strings, in order, duplicates included; more than `MOST` are an
/// error. Six bytes of JSON are a pair, which takes a hundred of memory.
pub(crate) struct JsonPairs<const MOST: usize>(pub Vec<(String, String)>);

impl<'de, const MOST: usize> Deserialize<'de> for JsonPairs<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for Pairs<MOST> {
            type Value = JsonPairs<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() == MOST {
                        return Err(A::Error::custom(format_args!("more than {MOST} entries")));
                    }
                    pairs.push(pair);
                }
                Ok(JsonPairs(pairs))
            }
        }
        deserializer.deserialize_map(Pairs::<MOST>)
    }
}

/// The first name that comes up a second time.
pub(crate) fn first_duplicate<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
