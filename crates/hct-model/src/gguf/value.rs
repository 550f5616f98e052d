//! Metadata values.

use super::bytes::Bytes;
use super::error::GgufError;

/// Most arrays that an array may be in.
const MAX_DEPTH: usize = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A metadata value. Strings are bytes: vocabularies hold pieces of text that are not UTF-8.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "variants are named by their types")]
pub enum GgufValue {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(Vec<u8>),
    Array(GgufArray),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// An array of metadata values of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "variants are named by their types")]
pub enum GgufArray {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    Bool(Vec<bool>),
    String(Vec<Vec<u8>>),
    Array(Vec<GgufArray>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F64(Vec<f64>),
}

macro_rules! numbers {
    ($($code:literal $variant:ident $type:ty;)*) => {
        impl GgufValue {
            pub(super) fn read(r: &mut Bytes<'_>, key: &str) -> Result<GgufValue, GgufError> {
                Ok(match r.u32()? {
                    $($code => GgufValue::$variant(<$type>::from_le_bytes(r.array()?)),)*
                    7 => GgufValue::Bool(bool_of(u8::from_le_bytes(r.array()?), key)?),
                    STRING => GgufValue::String(r.string()?.to_vec()),
                    ARRAY => GgufValue::Array(GgufArray::read(r, key, 0)?),
                    code => return Err(GgufError::ValueType { key: key.to_owned(), code }),
                })
            }

            pub(super) fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(GgufValue::$variant(v) => {
                        put_code(out, $code);
                        out.extend(v.to_le_bytes());
                    })*
                    GgufValue::Bool(v) => {
                        put_code(out, 7);
                        out.push(u8::from(*v));
                    }
                    GgufValue::String(text) => {
                        put_code(out, STRING);
                        put_string(out, text);
                    }
                    GgufValue::Array(array) => {
                        put_code(out, ARRAY);
                        array.write(out);
                    }
                }
            }
        }

        impl GgufArray {
            /// How many values it has.
            pub fn len(&self) -> usize {
                match self {
                    $(GgufArray::$variant(v) => v.len(),)*
                    GgufArray::Bool(v) => v.len(),
                    GgufArray::String(v) => v.len(),
                    GgufArray::Array(v) => v.len(),
                }
            }

            fn read(r: &mut Bytes<'_>, key: &str, depth: usize) -> Result<GgufArray, GgufError> {
                let (code, count) = (r.u32()?, r.u64()?);
                Ok(match code {
                    $($code => {
                        const SIZE: usize = size_of::<$type>();
                        r.expect(count, SIZE as u64)?;
                        let bytes = r.take(count * SIZE as u64)?;
                        let numbers = bytes.as_chunks::<SIZE>().0.iter();
                        GgufArray::$variant(numbers.map(|b| <$type>::from_le_bytes(*b)).collect())
                    })*
                    7 => {
                        let bytes = r.take(count)?;
                        let truths = bytes.iter().map(|&b| bool_of(b, key));
                        GgufArray::Bool(truths.collect::<Result<_, _>>()?)
                    }
                    STRING => {
                        r.expect(count, 8)?;
                        let strings = (0..count).map(|_| r.string().map(<[u8]>::to_vec));
                        GgufArray::String(strings.collect::<Result<_, _>>()?)
                    }
                    ARRAY if depth >= MAX_DEPTH => {
                        return Err(GgufError::TooDeep { key: key.to_owned(), limit: MAX_DEPTH });
                    }
                    ARRAY => {
                        r.expect(count, 12)?;
                        let arrays = (0..count).map(|_| GgufArray::read(r, key, depth + 1));
                        GgufArray::Array(arrays.collect::<Result<_, _>>()?)
                    }
                    code => return Err(GgufError::ValueType { key: key.to_owned(), code }),
                })
            }

            fn write(&self, out: &mut Vec<u8>) {
                let code = match self {
                    $(GgufArray::$variant(_) => $code,)*
                    GgufArray::Bool(_) => 7,
                    GgufArray::String(_) => STRING,
                    GgufArray::Array(_) => ARRAY,
                };
                put_code(out, code);
                out.extend((self.len() as u64).to_le_bytes());
                match self {
                    $(GgufArray::$variant(v) => v.iter().for_each(|x| out.extend(x.to_le_bytes())),)*
                    GgufArray::Bool(v) => out.extend(v.iter().map(|&b| u8::from(b))),
                    GgufArray::String(v) => v.iter().for_each(|text| put_string(out, text)),
                    GgufArray::Array(v) => v.iter().for_each(|array| array.write(out)),
                }
            }
        }
    };
}

numbers! {
    0 U8 u8;
    1 I8 i8;
    2 U16 u16;
    3 I16 i16;
    4 U32 u32;
    5 I32 i32;
    6 F32 f32;
    10 U64 u64;
    11 I64 i64;
    12 F64 f64;
}

impl GgufArray {
    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl GgufValue {
    /// The text of a string that is UTF-8.
    pub fn text(&self) -> Option<&str> {
        match self {
            GgufValue::String(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// A whole number of any type.
    pub fn integer(&self) -> Option<i128> {
        Some(match *self {
            GgufValue::U8(v) => v.into(),
            GgufValue::I8(v) => v.into(),
            GgufValue::U16(v) => v.into(),
            GgufValue::I16(v) => v.into(),
            GgufValue::U32(v) => v.into(),
            GgufValue::I32(v) => v.into(),
            GgufValue::U64(v) => v.into(),
            GgufValue::I64(v) => v.into(),
            _ => return None,
        })
    }
}

fn bool_of(value: u8, key: &str) -> Result<bool, GgufError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        value => Err(GgufError::NotBool {
            key: key.to_owned(),
            value,
        }),
    }
}

fn put_code(out: &mut Vec<u8>, code: u32) {
    out.extend(code.to_le_bytes());
}

pub(super) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text);
}
