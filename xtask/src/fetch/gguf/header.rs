//! What comes before the weights in a GGUF file.

use std::collections::HashMap;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};

use super::block::Block;

/// To what multiple of bytes the weights are aligned in a file that does not say.
const ALIGNMENT: i128 = 32;

/// A metadata value.
pub enum Value {
    /// A whole number of any type, or a truth.
    Integer(i128),
    F32(f32),
    F64(f64),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    /// What it is, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "a whole number",
            Self::F32(_) | Self::F64(_) => "a fraction",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }
}

/// Where a tensor is and how it is stored.
pub struct Tensor {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// How its weights are stored.
    pub block: Block,
    /// Bytes from the start of the data.
    pub offset: u64,
}

/// Metadata and places of tensors.
pub struct Header {
    pub metadata: HashMap<String, Value>,
    pub tensors: HashMap<String, Tensor>,
    /// Where in the file the first tensor's offset counts from.
    pub data_start: u64,
}

impl Header {
    /// Reads the start of a file of so many bytes.
    pub fn read(source: impl Read, file_bytes: u64) -> Result<Header> {
        let mut fields = Fields {
            source,
            left: file_bytes,
        };
        ensure!(&fields.take::<4>()? == b"GGUF", "it is not GGUF");
        let version = fields.u32()?;
        ensure!((2..=3).contains(&version), "it is of version {version}");
        let (tensors, entries) = (fields.u64()?, fields.u64()?);
        let mut metadata = HashMap::new();
        for _ in 0..entries {
            let (key, kind) = (fields.text()?, fields.u32()?);
            let value = fields
                .value(kind)
                .with_context(|| format!("the metadata `{key}`"))?;
            metadata.insert(key, value);
        }
        let tensors = (0..tensors)
            .map(|_| fields.tensor())
            .collect::<Result<_>>()?;
        let alignment = match metadata.get("general.alignment") {
            None => ALIGNMENT,
            Some(&Value::Integer(n)) => n,
            Some(other) => bail!("the alignment is {}", other.kind()),
        };
        let alignment = u64::try_from(alignment)?;
        let data_start = (file_bytes - fields.left).checked_next_multiple_of(alignment.max(1));
        Ok(Header {
            metadata,
            tensors,
            data_start: data_start.context("the alignment is too large")?,
        })
    }
}

/// The fields of a header, little-endian, and how much of the file may still come.
struct Fields<R> {
    source: R,
    left: u64,
}

impl<R: Read> Fields<R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(N as u64);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn text(&mut self) -> Result<String> {
        let len = self.u64()?;
        ensure!(len <= self.left, "a text of {len} bytes is cut short");
        let mut bytes = vec![0; usize::try_from(len)?];
        self.source.read_exact(&mut bytes)?;
        self.left -= len;
        Ok(String::from_utf8(bytes)?)
    }

    fn value(&mut self, kind: u32) -> Result<Value> {
        const LIST: u32 = 9;
        if kind != LIST {
            return self.single(kind);
        }
        let (kind, len) = (self.u32()?, self.u64()?);
        // Nothing takes less than a byte.
        ensure!(len <= self.left, "a list of {len} values is cut short");
        let items = (0..len).map(|_| self.single(kind)).collect::<Result<_>>()?;
        Ok(Value::List(items))
    }

    fn single(&mut self, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 | 7 => Value::Integer(u8::from_le_bytes(self.take()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.take()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.take()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.take()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.take()?).into()),
            6 => Value::F32(f32::from_le_bytes(self.take()?)),
            8 => Value::Text(self.text()?),
            10 => Value::Integer(self.u64()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.take()?).into()),
            12 => Value::F64(f64::from_le_bytes(self.take()?)),
            other => bail!("values of type {other} are not read here"),
        })
    }

    fn tensor(&mut self) -> Result<(String, Tensor)> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        ensure!(
            dimensions <= 4,
            "the tensor {name} has {dimensions} dimensions"
        );
        let mut shape = (0..dimensions)
            .map(|_| Ok(usize::try_from(self.u64()?)?))
            .collect::<Result<Vec<_>>>()?;
        shape.reverse();
        let kind = self.u32()?;
        let block = Block::of_type(kind)
            .with_context(|| format!("the tensor {name} is of type {kind}, which is not read"))?;
        let offset = self.u64()?;
        let tensor = Tensor {
            shape,
            block,
            offset,
        };
        Ok((name, tensor))
    }
}
