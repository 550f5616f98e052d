//! Typed access to a GGUF file, on candle's reader.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, Value};

/// An opened GGUF file.
pub struct Gguf {
    content: Content,
    reader: BufReader<File>,
}

impl Gguf {
    /// Opens the file and reads its metadata.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = BufReader::new(File::open(path)?);
        let content = Content::read(&mut reader).context("the GGUF file cannot be read")?;
        Ok(Self { content, reader })
    }

    /// The shape of every tensor by name, outermost dimension first.
    pub fn shapes(&self) -> HashMap<String, Vec<usize>> {
        let infos = self.content.tensor_infos.iter();
        infos
            .map(|(name, info)| (name.clone(), info.shape.dims().to_vec()))
            .collect()
    }

    /// A tensor's weights, dequantised.
    pub fn weights(&mut self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.content.tensor(&mut self.reader, name, &Device::Cpu)?;
        Ok(tensor.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1()?)
    }

    /// A metadata number.
    pub fn integer(&self, key: &str) -> Result<usize> {
        match self.value(key)? {
            Value::U32(n) => Ok(*n as usize),
            Value::I32(n) => Ok(usize::try_from(*n)?),
            Value::U64(n) => Ok(usize::try_from(*n)?),
            other => Err(unexpected(key, "a whole number", other)),
        }
    }

    /// A metadata number, as the shortest decimal that names it: 1e-5 rather than 9.9999997e-6.
    pub fn decimal(&self, key: &str) -> Result<f64> {
        match self.value(key)? {
            Value::F32(x) => Ok(x.to_string().parse()?),
            Value::F64(x) => Ok(*x),
            other => Err(unexpected(key, "a number", other)),
        }
    }

    /// A metadata text.
    pub fn text(&self, key: &str) -> Result<&str> {
        match self.value(key)? {
            Value::String(text) => Ok(text),
            other => Err(unexpected(key, "a text", other)),
        }
    }

    /// A metadata list of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<&str>> {
        fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str> {
            match value {
                Value::String(text) => Ok(text),
                other => Err(unexpected(key, "a list of texts", other)),
            }
        }
        self.list(key)?
            .iter()
            .map(|value| text(key, value))
            .collect()
    }

    /// A metadata list of small whole numbers.
    pub fn integers(&self, key: &str) -> Result<Vec<i32>> {
        let item = |value: &Value| match value {
            Value::I32(n) => Ok(*n),
            Value::U32(n) => Ok(i32::try_from(*n)?),
            other => Err(unexpected(key, "a list of whole numbers", other)),
        };
        self.list(key)?.iter().map(item).collect()
    }

    fn list(&self, key: &str) -> Result<&[Value]> {
        match self.value(key)? {
            Value::Array(items) => Ok(items),
            other => Err(unexpected(key, "a list", other)),
        }
    }

    fn value(&self, key: &str) -> Result<&Value> {
        match self.content.metadata.get(key) {
            Some(value) => Ok(value),
            None => bail!("the GGUF file lacks the metadata `{key}`"),
        }
    }
}

fn unexpected(key: &str, wanted: &str, found: &Value) -> anyhow::Error {
    let kind = found.value_type();
    anyhow!("the GGUF metadata `{key}` should be {wanted} but is {kind:?}")
}
