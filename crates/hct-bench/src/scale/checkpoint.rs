//! Synthetic checkpoints: written, and compared with what came back without being kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hct_model::{Header, TensorInfo};
use rayon::prelude::*;
use serde_json::json;

use super::plan::weights;
use super::weights::Source;

/// Bytes of weights of a shard at most, unless one tensor has more, and its tensors.
const SHARD_BYTES: u64 = 1 << 30;
const SHARD_TENSORS: usize = 100_000;
/// Bytes made at once.
const CHUNK: usize = 8 << 20;

/// A checkpoint by its tensors; the weights follow from the names.
pub struct Synthetic {
    shards: Vec<Vec<TensorInfo>>,
    source: Source,
}

/// What came back, beside what was made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// Σ (W − Ŵ)² and Σ W².
    error: f64,
    energy: f64,
    /// Weights of other bits.
    pub changed: u64,
}

impl Difference {
    /// ‖W − Ŵ‖² / ‖W‖².
    pub fn rel_mse(&self) -> f64 {
        self.error / self.energy
    }
}

impl Synthetic {
    /// One of these tensors, in this order, in as many shards as it takes.
    pub fn new(tensors: Vec<TensorInfo>) -> Synthetic {
        let mut shards: Vec<Vec<TensorInfo>> = Vec::new();
        let mut filled = 0;
        for tensor in tensors {
            let bytes = 2 * weights(&tensor);
            match shards.last_mut() {
                Some(shard) if filled + bytes <= SHARD_BYTES && shard.len() < SHARD_TENSORS => {
                    shard.push(tensor);
                    filled += bytes;
                }
                _ => {
                    shards.push(vec![tensor]);
                    filled = bytes;
                }
            }
        }
        Synthetic {
            shards,
            source: Source::new(),
        }
    }

    /// Its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &TensorInfo> {
        self.shards.iter().flatten()
    }

    /// All weights.
    pub fn weights(&self) -> u64 {
        self.tensors().map(weights).sum()
    }

    fn name(&self, shard: usize) -> String {
        let of = self.shards.len();
        format!("model-{:05}-of-{of:05}.safetensors", shard + 1)
    }

    /// Writes its files into `folder`, which is made.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let mut places = BTreeMap::new();
        for (number, shard) in self.shards.iter().enumerate() {
            let name = self.name(number);
            let mut out = BufWriter::with_capacity(CHUNK, File::create(folder.join(&name))?);
            out.write_all(&beginning(shard)?)?;
            for tensor in shard {
                self.each_chunk(tensor, |chunk| Ok(out.write_all(chunk)?))?;
                places.insert(&tensor.name, name.clone());
            }
            out.flush()?;
        }
        let index = json!({
            "metadata": { "total_size": 2 * self.weights() },
            "weight_map": places,
        });
        let config = json!({ "model_type": "synthetic" });
        for (name, value) in [
            ("model.safetensors.index.json", index),
            ("config.json", config),
        ] {
            fs::write(folder.join(name), serde_json::to_vec(&value)?)?;
        }
        Ok(())
    }

    /// Compares the files in `folder` with what would be written.
    pub fn compare(&self, folder: &Path) -> Result<Difference> {
        let mut sum = Difference::default();
        for (number, shard) in self.shards.iter().enumerate() {
            let path = folder.join(self.name(number));
            let file = File::open(&path).with_context(|| format!("no {}", path.display()))?;
            let mut file = BufReader::with_capacity(CHUNK, file);
            let beginning = beginning(shard)?;
            let mut read = vec![0; beginning.len()];
            file.read_exact(&mut read)?;
            ensure!(read == beginning, "{} begins otherwise", path.display());
            for tensor in shard {
                self.each_chunk(tensor, |chunk| {
                    read.resize(chunk.len(), 0);
                    file.read_exact(&mut read)?;
                    sum.add(chunk, &read);
                    Ok(())
                })?;
            }
            let more = file.read(&mut [0])?;
            ensure!(more == 0, "{} goes on", path.display());
        }
        Ok(sum)
    }

    /// Makes a tensor's bytes, some rows after others.
    fn each_chunk(
        &self,
        tensor: &TensorInfo,
        mut work: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let rows = self.source.rows(tensor);
        let width = rows.row_bytes();
        let at_once = (CHUNK / width).max(1);
        let mut chunk = Vec::new();
        for first in (0..rows.count()).step_by(at_once) {
            let count = at_once.min((rows.count() - first) as usize);
            chunk.resize(count * width, 0);
            let fill = |(i, out): (usize, &mut [u8])| rows.write(first + i as u64, out);
            match chunk.len() < 1 << 16 {
                true => chunk.chunks_mut(width).enumerate().for_each(fill),
                false => chunk.par_chunks_mut(width).enumerate().for_each(fill),
            }
            work(&chunk)?;
        }
        Ok(())
    }
}

impl Difference {
    fn add(&mut self, made: &[u8], read: &[u8]) {
        if made == read {
            let squares = values(made).map(|w| w * w);
            self.energy += squares.sum::<f64>();
            return;
        }
        for (made, read) in values(made).zip(values(read)) {
            self.error += (made - read) * (made - read);
            self.energy += made * made;
            self.changed += u64::from(made != read);
        }
    }
}

fn values(bytes: &[u8]) -> impl Iterator<Item = f64> {
    let pairs = bytes.as_chunks::<2>().0.iter();
    pairs.map(|&pair| f32::from_bits(u32::from(u16::from_le_bytes(pair)) << 16).into())
}

/// What a shard begins with.
fn beginning(shard: &[TensorInfo]) -> Result<Vec<u8>> {
    let header = Header::of(shard)?;
    let header = header.header_bytes();
    Ok([&(header.len() as u64).to_le_bytes(), header].concat())
}
