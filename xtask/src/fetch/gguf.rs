//! A GGUF file as the fetched models need it: its metadata by type, its tensors as numbers.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use hct_model::{FileSource, GgufArray, GgufValue, TensorSource};

/// An opened GGUF file.
pub struct Gguf(hct_model::Gguf<FileSource>);

impl Gguf {
    /// Opens the file and reads its metadata.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(hct_model::Gguf::new(path, FileSource::open(path)?)?))
    }

    /// The shape of every tensor by name, outermost dimension first.
    pub fn shapes(&self) -> Result<HashMap<String, Vec<usize>>> {
        let mut shapes = HashMap::new();
        for tensor in &self.0.header().tensors {
            let shape: Vec<usize> = tensor
                .shape
                .iter()
                .map(|&d| usize::try_from(d))
                .collect::<Result<_, _>>()?;
            shapes.insert(tensor.name.clone(), shape);
        }
        Ok(shapes)
    }

    /// A tensor's weights, dequantised.
    pub fn weights(&self, name: &str) -> Result<Vec<f32>> {
        let tensors = &self.0.header().tensors;
        let Some(number) = tensors.iter().position(|tensor| tensor.name == name) else {
            bail!("the GGUF file lacks the tensor {name}");
        };
        let (bytes, kind) = (self.0.read(number)?, tensors[number].kind);
        kind.dequantize(&bytes)
            .with_context(|| format!("the tensor {name} is of type {kind}, which is not read"))
    }

    /// A metadata number.
    pub fn integer(&self, key: &str) -> Result<usize> {
        match self.value(key)?.integer() {
            Some(n) => Ok(usize::try_from(n)?),
            None => Err(unexpected(key, "a whole number")),
        }
    }

    /// A metadata number, as the shortest decimal that names it: 1e-5 rather than 9.9999997e-6.
    pub fn decimal(&self, key: &str) -> Result<f64> {
        match self.value(key)? {
            GgufValue::F32(x) => Ok(x.to_string().parse()?),
            GgufValue::F64(x) => Ok(*x),
            _ => Err(unexpected(key, "a number")),
        }
    }

    /// A metadata text.
    pub fn text(&self, key: &str) -> Result<&str> {
        let text = self.value(key)?.text();
        text.ok_or_else(|| unexpected(key, "a text"))
    }

    /// A metadata list of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<&str>> {
        match self.value(key)? {
            GgufValue::Array(GgufArray::String(texts)) => {
                let texts = texts.iter().map(|text| Ok(str::from_utf8(text)?));
                texts.collect()
            }
            _ => Err(unexpected(key, "a list of texts")),
        }
    }

    /// A metadata list of small whole numbers.
    pub fn integers(&self, key: &str) -> Result<Vec<i32>> {
        match self.value(key)? {
            GgufValue::Array(GgufArray::I32(numbers)) => Ok(numbers.clone()),
            GgufValue::Array(GgufArray::U32(numbers)) => {
                let numbers = numbers.iter().map(|&n| Ok(i32::try_from(n)?));
                numbers.collect()
            }
            _ => Err(unexpected(key, "a list of whole numbers")),
        }
    }

    fn value(&self, key: &str) -> Result<&GgufValue> {
        let value = self.0.header().value(key);
        value.with_context(|| format!("the GGUF file lacks the metadata `{key}`"))
    }
}

fn unexpected(key: &str, wanted: &str) -> anyhow::Error {
    anyhow!("the GGUF metadata `{key}` should be {wanted}")
}
