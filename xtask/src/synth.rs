//! `cargo xtask synth`: writes a synthetic sharded checkpoint, for tests at real sizes.

mod plan;
mod weights;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use safetensors::Dtype;
use serde_json::json;

use crate::staging::{Staging, parent_of};
use crate::tensor_file::{self, TensorSpec};
use crate::{byte_size, synth::plan::Plan, synth::weights::Source};

/// Options of `cargo xtask synth`.
#[derive(clap::Args)]
pub struct Args {
    /// About how many bytes of weights to write, e.g. 4GiB.
    #[arg(long, value_name = "N", value_parser = byte_size::parse)]
    bytes: u64,
    /// The folder to make; it must not exist yet.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Start a new shard rather than exceed this many bytes.
    #[arg(long, value_name = "M", default_value = "1GiB", value_parser = byte_size::parse)]
    shard_bytes: u64,
    /// Other seeds give other weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Args {
    /// About so many bytes at `output`, all else as it is by default.
    pub fn new(bytes: u64, output: PathBuf) -> Self {
        Self {
            bytes,
            output,
            shard_bytes: 1 << 30,
            seed: 0,
        }
    }
}

/// Writes the checkpoint.
pub fn run(args: &Args) -> Result<()> {
    ensure!(
        args.output.symlink_metadata().is_err(),
        "{} already exists: remove it or choose another folder",
        args.output.display()
    );
    let plan = Plan::about(args.bytes)?;
    let staging = Staging::inside(parent_of(&args.output))?;
    let total = write(&plan, args.shard_bytes, args.seed, staging.path())?;
    staging.publish_as(&args.output)?;
    println!(
        "{}: {total} bytes of weights, {} layers, hidden size {}",
        args.output.display(),
        plan.layers,
        plan.hidden
    );
    Ok(())
}

/// Writes every file of the checkpoint into `folder` and returns the bytes of weights.
fn write(plan: &Plan, shard_bytes: u64, seed: u64, folder: &Path) -> Result<u64> {
    let shards = shards(plan.tensors(), shard_bytes);
    let source = Source::new(seed);
    let metadata = BTreeMap::from([("format", "pt".to_string())]);
    let mut index = BTreeMap::new();
    let mut total = 0;
    for (number, specs) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        let path = folder.join(&name);
        let write_shard = || -> Result<()> {
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
            tensor_file::write_header(&mut out, Dtype::BF16, &metadata, specs)?;
            for spec in specs {
                source.write_tensor(&mut out, spec)?;
            }
            Ok(out.flush()?)
        };
        write_shard().with_context(|| format!("cannot write the shard {name}"))?;
        for spec in specs {
            total += spec.len() as u64 * 2;
            index.insert(spec.name.as_str(), name.clone());
        }
        println!("{name}: {} tensors, {total} bytes so far", specs.len());
    }
    let index = json!({ "metadata": { "total_size": total }, "weight_map": index });
    fs::write(
        folder.join("model.safetensors.index.json"),
        serde_json::to_vec_pretty(&index)?,
    )?;
    fs::write(
        folder.join("config.json"),
        serde_json::to_vec_pretty(&plan.config())?,
    )?;
    Ok(total)
}

/// Divides the tensors, in model order, into shards of at most `shard_bytes` each, or of one tensor
/// that is larger.
fn shards(tensors: Vec<TensorSpec>, shard_bytes: u64) -> Vec<Vec<TensorSpec>> {
    let mut shards: Vec<Vec<TensorSpec>> = Vec::new();
    let mut filled = 0;
    for tensor in tensors {
        let size = tensor.len() as u64 * 2;
        match shards.last_mut() {
            Some(shard) if filled + size <= shard_bytes => {
                filled += size;
                shard.push(tensor);
            }
            _ => {
                filled = size;
                shards.push(vec![tensor]);
            }
        }
    }
    for shard in &mut shards {
        tensor_file::sort(shard);
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    fn files(bytes: u64, shard_bytes: u64, seed: u64) -> (BTreeMap<String, Vec<u8>>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::about(bytes).unwrap();
        let total = write(&plan, shard_bytes, seed, folder.path()).unwrap();
        let read = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        };
        (
            fs::read_dir(folder.path()).unwrap().map(read).collect(),
            total,
        )
    }

    #[test]
    fn the_seed_decides_every_byte() {
        let (first, _) = files(1 << 20, 1 << 18, 7);
        assert_eq!(first, files(1 << 20, 1 << 18, 7).0);
        assert_ne!(first, files(1 << 20, 1 << 18, 8).0);
    }

    #[test]
    fn the_index_lists_every_tensor_where_it_is() {
        let (files, total) = files(2 << 20, 1 << 19, 0);
        let index: serde_json::Value =
            serde_json::from_slice(&files["model.safetensors.index.json"]).unwrap();
        assert_eq!(index["metadata"]["total_size"], total);
        let map = index["weight_map"].as_object().unwrap();
        let (mut listed, mut bytes) = (0, 0);
        for (name, file) in files
            .iter()
            .filter(|(name, _)| name.ends_with(".safetensors"))
        {
            assert!(
                file.len() <= (1 << 19) + 4096,
                "{name} is {} bytes",
                file.len()
            );
            for (tensor, view) in SafeTensors::deserialize(file).unwrap().tensors() {
                assert_eq!(map[&tensor], *name);
                listed += 1;
                bytes += view.data().len() as u64;
            }
        }
        assert_eq!((listed, bytes), (map.len(), total));
        assert!(files.contains_key("config.json"));
    }
}
