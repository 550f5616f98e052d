//! The GGUF form: for each tensor its name with `.in_sum2`, the sums of the squares of its inputs
//! (F32, inputs × matrices), and with `.counts`, how many there were (F32, 1 × matrices).

use std::collections::HashMap;

use super::Entry;
use super::bytes::{Bytes, CUT_SHORT};

/// Type codes of GGUF values.
const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// The type code of F32 tensors.
const F32: u32 = 0;

/// A tensor of the file.
struct Stored<'a> {
    name: &'a str,
    /// Numbers of the first dimension, and of all others together.
    shape: (u64, u64),
    kind: u32,
    offset: u64,
}

pub(super) fn read(bytes: &[u8]) -> Result<HashMap<String, Entry>, &'static str> {
    let mut rest = Bytes(bytes);
    rest.take(4)?;
    if !(2..=3).contains(&rest.u32()?) {
        return Err("its GGUF version is neither 2 nor 3");
    }
    let (tensors, pairs) = (rest.u64()?, rest.u64()?);
    let mut alignment = 32;
    let mut is_imatrix = false;
    for _ in 0..pairs {
        let key_len = rest.u64()?;
        let key = rest.text(key_len)?;
        let kind = rest.u32()?;
        let value = take_value(&mut rest, kind)?;
        match key {
            "general.type" => is_imatrix = kind == STRING && value == b"imatrix",
            "general.alignment" => {
                let number = value.try_into().map(u32::from_le_bytes);
                alignment = number
                    .map_err(|_| "its alignment is no 32-bit number")?
                    .into();
            }
            _ => {}
        }
    }
    if !is_imatrix {
        return Err("it is a GGUF file of something else than an imatrix");
    }
    let mut found = Vec::new();
    for _ in 0..tensors {
        found.push(take_tensor(&mut rest)?);
    }
    let header = (bytes.len() - rest.0.len()) as u64;
    let start = match alignment {
        0 => return Err("its alignment is 0"),
        alignment => header.next_multiple_of(alignment),
    };
    let by_name: HashMap<&str, &Stored> = found.iter().map(|t| (t.name, t)).collect();
    if by_name.len() < found.len() {
        return Err("a tensor is in it twice");
    }
    // Tensors that lie over each other must not add up to more than the file.
    let mut left = bytes.len() as u64 / 4;
    let mut floats = |stored: &Stored| {
        if stored.kind != F32 {
            return Err("its sums are not F32");
        }
        let count = stored
            .shape
            .0
            .checked_mul(stored.shape.1)
            .ok_or(CUT_SHORT)?;
        left = left.checked_sub(count).ok_or(CUT_SHORT)?;
        let mut at = Bytes(bytes);
        at.take(start.checked_add(stored.offset).ok_or(CUT_SHORT)?)?;
        at.floats(count)
    };
    let mut entries = HashMap::new();
    for sums in &found {
        let Some(name) = sums.name.strip_suffix(".in_sum2") else {
            continue;
        };
        let counts = by_name.get(format!("{name}.counts").as_str());
        let counts = counts.ok_or("sums in it have no counts")?;
        if sums.shape.1 != 1 {
            continue;
        }
        let mut squares = floats(sums)?;
        let [count] = floats(counts)?[..] else {
            return Err("sums in it have several counts");
        };
        if !(count.is_finite() && count >= 0.0) {
            return Err("a count is negative or not finite");
        }
        let scale = 1.0 / count.max(1.0);
        for square in &mut squares {
            *square *= scale;
        }
        let tokens = count as u64;
        entries.insert(name.to_owned(), Entry { squares, tokens });
    }
    match entries.is_empty() {
        true => Err("it has no sums of squares"),
        false => Ok(entries),
    }
}

/// The bytes of a value; those of strings without their length, of arrays nothing.
fn take_value<'a>(rest: &mut Bytes<'a>, kind: u32) -> Result<&'a [u8], &'static str> {
    match kind {
        STRING => {
            let len = rest.u64()?;
            rest.take(len)
        }
        ARRAY => {
            let (kind, count) = (rest.u32()?, rest.u64()?);
            match kind {
                STRING => {
                    for _ in 0..count {
                        let len = rest.u64()?;
                        rest.take(len)?;
                    }
                }
                _ => {
                    let size = size_of(kind).ok_or("it has a list of lists or unknown values")?;
                    rest.take(count.checked_mul(size).ok_or(CUT_SHORT)?)?;
                }
            }
            Ok(&[])
        }
        _ => rest.take(size_of(kind).ok_or("it has values of an unknown type")?),
    }
}

/// Bytes of a value of a type that has always the same.
fn size_of(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn take_tensor<'a>(rest: &mut Bytes<'a>) -> Result<Stored<'a>, &'static str> {
    let name_len = rest.u64()?;
    let name = rest.text(name_len)?;
    let dimensions = rest.u32()?;
    if !(1..=4).contains(&dimensions) {
        return Err("a tensor has not 1 to 4 dimensions");
    }
    let first = rest.u64()?;
    let mut others = 1u64;
    for _ in 1..dimensions {
        others = others.checked_mul(rest.u64()?).ok_or(CUT_SHORT)?;
    }
    Ok(Stored {
        name,
        shape: (first, others),
        kind: rest.u32()?,
        offset: rest.u64()?,
    })
}
