//! Writing `.safetensors` files one tensor at a time.
//!
//! The `safetensors` crate wants every tensor in memory and writes `__metadata__` in hash order,
//! which differs between runs; the tasks here stream gigabytes and must be reproducible to the
//! byte. The layout produced is the crate's own: a header padded to eight bytes, then the tensors
//! in header order without gaps. Each file written here has a single dtype.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Result, bail};
use safetensors::tensor::{Dtype, TensorInfo};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A tensor to be written: its name and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// The tensor's name in the checkpoint.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// A tensor of the given name and shape.
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        Self {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }

    /// How many weights it holds.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Puts tensors into the order `safetensors` gives tensors of one dtype: by name.
pub fn sort(specs: &mut [TensorSpec]) {
    specs.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Writes the header of a file whose tensors of the float type `dtype` follow in the order of
/// `specs`.
pub fn write_header<W: Write>(
    out: &mut W,
    dtype: Dtype,
    metadata: &BTreeMap<&str, String>,
    specs: &[TensorSpec],
) -> Result<()> {
    let width = match dtype {
        Dtype::F16 | Dtype::BF16 => 2,
        Dtype::F32 => 4,
        other => bail!("no files of {other} are written"),
    };
    let mut text = serde_json::to_vec(&Header {
        dtype,
        width,
        metadata,
        specs,
    })?;
    text.resize(text.len().next_multiple_of(8), b' ');
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(&text)?;
    Ok(())
}

struct Header<'a> {
    dtype: Dtype,
    /// Bytes of an element.
    width: usize,
    metadata: &'a BTreeMap<&'a str, String>,
    specs: &'a [TensorSpec],
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.specs.len() + 1))?;
        map.serialize_entry("__metadata__", self.metadata)?;
        let mut start = 0;
        for spec in self.specs {
            let end = start + spec.len() * self.width;
            let info = TensorInfo {
                dtype: self.dtype,
                shape: spec.shape.clone(),
                data_offsets: (start, end),
            };
            map.serialize_entry(&spec.name, &info)?;
            start = end;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    #[test]
    fn the_safetensors_crate_reads_what_is_written() {
        let mut specs = vec![TensorSpec::new("b", &[3]), TensorSpec::new("a", &[2, 2])];
        sort(&mut specs);
        let metadata = BTreeMap::from([("format", "pt".to_string()), ("z", "é".to_string())]);
        let mut file = Vec::new();
        write_header(&mut file, Dtype::F16, &metadata, &specs).unwrap();
        assert_eq!(file.len() % 8, 0);
        file.extend(0..14);
        let parsed = SafeTensors::deserialize(&file).unwrap();
        let a = parsed.tensor("a").unwrap();
        assert_eq!(
            (a.shape(), a.data()),
            (&[2, 2][..], &[0, 1, 2, 3, 4, 5, 6, 7][..])
        );
        assert_eq!(parsed.tensor("b").unwrap().data(), [8, 9, 10, 11, 12, 13]);
        let (_, header) = SafeTensors::read_metadata(&file).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["z"], "é");
    }
}
