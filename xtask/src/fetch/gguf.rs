//! A GGUF file as the fetched models need it: its metadata by type, its tensors as those of a checkpoint.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use hct_model::{AsCheckpoint, FileSource, GgufArray, GgufValue};

/// An opened GGUF file.
pub struct Gguf(hct_model::Gguf<FileSource>);

impl Gguf {
    /// Opens the file and reads its metadata.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(hct_model::Gguf::new(path, FileSource::open(path)?)?))
    }

    /// Its tensors as those of the checkpoint that it was made of.
    pub fn as_checkpoint(&self) -> Result<AsCheckpoint<'_>> {
        Ok(AsCheckpoint::new(&self.0, self.0.header())?)
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
