//! A GGUF file, of version 2 or 3: its metadata by type, its tensors as numbers.
//!
//! Only what the fetched models need: a file is pinned by its sum before it gets here, so what is
//! of another kind is refused rather than understood.

mod block;
mod header;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};

use header::{Header, Tensor, Value};

/// An opened GGUF file.
pub struct Gguf {
    header: Header,
    file: File,
    file_bytes: u64,
}

impl Gguf {
    /// Opens the file and reads its metadata.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let header = Header::read(BufReader::new(&file), file_bytes)
            .context("the GGUF file cannot be read")?;
        Ok(Self {
            header,
            file,
            file_bytes,
        })
    }

    /// The shape of every tensor by name, outermost dimension first.
    pub fn shapes(&self) -> HashMap<String, Vec<usize>> {
        let tensors = self.header.tensors.iter();
        tensors
            .map(|(name, tensor)| (name.clone(), tensor.shape.clone()))
            .collect()
    }

    /// A tensor's weights, dequantised.
    pub fn weights(&mut self, name: &str) -> Result<Vec<f32>> {
        let Some(tensor) = self.header.tensors.get(name) else {
            bail!("the GGUF file lacks the tensor {name}");
        };
        self.dequantised(tensor)
            .with_context(|| format!("the tensor {name} cannot be read"))
    }

    fn dequantised(&self, tensor: &Tensor) -> Result<Vec<f32>> {
        let block = &tensor.block;
        let weights = tensor
            .shape
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d));
        let weights = weights.context("its shape is too large")?;
        ensure!(
            weights.is_multiple_of(block.weights()),
            "its {weights} weights are no whole number of blocks"
        );
        let blocks = weights / block.weights();
        let start = self.header.data_start.checked_add(tensor.offset);
        let start = start.context("it lies beyond the file")?;
        let held = self.file_bytes.saturating_sub(start) / block.bytes() as u64;
        ensure!(blocks as u64 <= held, "it lies beyond the end of the file");
        let mut bytes = vec![0; blocks * block.bytes()];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        Ok(block.dequantise(&bytes))
    }

    /// A metadata number.
    pub fn integer(&self, key: &str) -> Result<usize> {
        match self.value(key)? {
            Value::Integer(n) => Ok(usize::try_from(*n)?),
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
            Value::Text(text) => Ok(text),
            other => Err(unexpected(key, "a text", other)),
        }
    }

    /// A metadata list of texts.
    pub fn texts(&self, key: &str) -> Result<Vec<&str>> {
        fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str> {
            match value {
                Value::Text(text) => Ok(text),
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
            Value::Integer(n) => Ok(i32::try_from(*n)?),
            other => Err(unexpected(key, "a list of whole numbers", other)),
        };
        self.list(key)?.iter().map(item).collect()
    }

    fn list(&self, key: &str) -> Result<&[Value]> {
        match self.value(key)? {
            Value::List(items) => Ok(items),
            other => Err(unexpected(key, "a list", other)),
        }
    }

    fn value(&self, key: &str) -> Result<&Value> {
        match self.header.metadata.get(key) {
            Some(value) => Ok(value),
            None => bail!("the GGUF file lacks the metadata `{key}`"),
        }
    }
}

fn unexpected(key: &str, wanted: &str, found: &Value) -> anyhow::Error {
    anyhow!(
        "the GGUF metadata `{key}` should be {wanted} but is {}",
        found.kind()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
    }

    fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
        [&text(key), &kind.to_le_bytes()[..], value].concat()
    }

    /// Two tensors, `w` of Q8_0 and `n` of F32, and one metadata entry of each kind that is read.
    fn file() -> Vec<u8> {
        let words = [
            &8u32.to_le_bytes()[..],
            &2u64.to_le_bytes(),
            &text("a"),
            &text("é"),
        ]
        .concat();
        let mut bytes = [
            b"GGUF",
            &3u32.to_le_bytes()[..],
            &2u64.to_le_bytes(),
            &5u64.to_le_bytes(),
            &entry("count", 4, &7u32.to_le_bytes()),
            &entry("epsilon", 6, &1e-5f32.to_le_bytes()),
            &entry("name", 8, &text("tiny")),
            &entry("words", 9, &words),
            &entry("general.alignment", 4, &64u32.to_le_bytes()),
        ]
        .concat();
        for (name, shape, kind, offset) in [("w", &[32u64, 2][..], 8u32, 0u64), ("n", &[2], 0, 128)]
        {
            bytes.extend(text(name));
            bytes.extend((shape.len() as u32).to_le_bytes());
            shape.iter().for_each(|d| bytes.extend(d.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(64), 0);
        for scale in [0x3800u16, 0x4000] {
            bytes.extend(scale.to_le_bytes());
            bytes.extend((-16i8..16).map(|q| q as u8));
        }
        bytes.resize(bytes.len().next_multiple_of(64), 0);
        bytes.extend([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    fn open(bytes: &[u8]) -> Result<Gguf> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.gguf");
        std::fs::write(&path, bytes)?;
        Gguf::open(&path)
    }

    #[test]
    fn metadata_and_tensors_come_out() {
        let mut gguf = open(&file()).unwrap();
        assert_eq!(gguf.integer("count").unwrap(), 7);
        assert_eq!(gguf.decimal("epsilon").unwrap(), 1e-5);
        assert_eq!(gguf.text("name").unwrap(), "tiny");
        assert_eq!(gguf.texts("words").unwrap(), ["a", "é"]);
        assert_eq!(gguf.shapes()["w"], [2, 32]);
        assert_eq!(gguf.weights("n").unwrap(), [1.5, -2.0]);
        let w = gguf.weights("w").unwrap();
        assert_eq!(
            (w.len(), w[0], w[31], w[32], w[63]),
            (64, -8.0, 7.5, -32.0, 30.0)
        );
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let mut gguf = open(&file()).unwrap();
        assert!(gguf.weights("x").is_err());
        assert!(gguf.integer("x").is_err());
        let error = gguf.integer("name").unwrap_err().to_string();
        assert!(
            error.contains("should be a whole number but is a text"),
            "{error}"
        );
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let whole = file();
        for len in 0..whole.len() {
            let read = open(&whole[..len]).and_then(|mut gguf| {
                gguf.weights("w")?;
                gguf.weights("n")
            });
            assert!(read.is_err(), "{len} of {} bytes", whole.len());
        }
    }
}
