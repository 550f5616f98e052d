//! The older form, `.dat`: a count of entries, and for each the length of its name, the name, a
//! number of calls, a number of values and the values, which are mean squares times calls. What
//! follows, a number of chunks and the name of the text, is not needed. All integers are of 32 bits.

use std::collections::HashMap;

use super::Entry;
use super::bytes::Bytes;

pub(super) fn read(bytes: &[u8]) -> Result<HashMap<String, Entry>, &'static str> {
    let mut rest = Bytes(bytes);
    let count = rest.count()?;
    let mut entries = HashMap::new();
    for _ in 0..count {
        let name_len = rest.count()?;
        let name = rest.text(name_len.into())?;
        let calls = rest.count()?;
        let values = rest.count()?;
        let mut squares = rest.floats(values.into())?;
        let scale = 1.0 / calls.max(1) as f32;
        for square in &mut squares {
            *square *= scale;
        }
        let tokens = calls.into();
        let entry = Entry { squares, tokens };
        if entries.insert(name.to_owned(), entry).is_some() {
            return Err("a tensor is in it twice");
        }
    }
    match entries.is_empty() {
        true => Err("it has no entries"),
        false => Ok(entries),
    }
}
