//! The recurrent network of a Tesseract line recogniser, as a checkpoint.
//!
//! A `.traineddata` file is a table of offsets and the components behind them; one holds the
//! network as Tesseract writes it: a tree of layers, each with a head, and the matrices of its
//! leaves as F64. Trained with single precision, they are F32 in truth, and stored as that here.

mod bytes;
mod network;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::Dtype;

use crate::tensor_file::{self, TensorSpec};
use bytes::Bytes;

/// The component that holds the network.
const NETWORK: usize = 17;

/// Writes `model.safetensors` with the matrices of the `.traineddata` file at `path`.
pub fn convert(path: &Path, folder: &Path) -> Result<()> {
    let data = fs::read(path)?;
    let mut matrices = network::matrices(component(&data, NETWORK)?)?;
    ensure!(!matrices.is_empty(), "the network has no weights");
    matrices.sort_by(|a, b| a.name.cmp(&b.name));
    let specs: Vec<TensorSpec> = matrices
        .iter()
        .map(|m| TensorSpec::new(m.name.clone(), &[m.rows, m.cols]))
        .collect();
    let mut out = BufWriter::new(File::create(folder.join("model.safetensors"))?);
    let metadata = BTreeMap::from([("format", "pt".to_string())]);
    tensor_file::write_header(&mut out, Dtype::F32, &metadata, &specs)?;
    for matrix in &matrices {
        for &value in &matrix.values {
            let single = value as f32;
            ensure!(
                f64::from(single) == value,
                "{}: {value} is no F32",
                matrix.name
            );
            out.write_all(&single.to_le_bytes())?;
        }
    }
    Ok(out.flush()?)
}

/// The bytes of a component: from its offset to the next.
fn component(data: &[u8], number: usize) -> Result<&[u8]> {
    let mut head = Bytes::new(data);
    let count = head.len("number of components")?;
    ensure!((number + 1..64).contains(&count), "no component {number}");
    let offsets = (0..count)
        .map(|_| head.i64())
        .collect::<Result<Vec<i64>>>()?;
    let start = offsets[number];
    let end = offsets.iter().copied().filter(|&o| o > start).min();
    let end = end.unwrap_or(data.len() as i64);
    usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| data.get(start..end))
        .context("the network lies outside of the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_ends_where_the_next_begins() {
        let mut data = 3u32.to_le_bytes().to_vec();
        for offset in [-1i64, 30, 28] {
            data.extend(offset.to_le_bytes());
        }
        data.extend([1, 2, 3, 4]);
        assert_eq!(component(&data, 1).unwrap(), [3, 4]);
        assert_eq!(component(&data, 2).unwrap(), [1, 2]);
        assert!(component(&data, 0).is_err(), "it is not there");
        assert!(component(&data, 3).is_err());
        assert!(component(&data[..20], 1).is_err());
    }
}
