//! Checkpoints made from others, the same on every machine.

mod lora;
mod prune;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use half::f16;
use hct_core::{Dtype, MatrixView, fold};
use hct_model::{Checkpoint, Header, ShardWriter, TensorInfo, TensorSource};
use hct_strategies::{Role, role};

pub use lora::merge;
pub use prune::prune;

/// What is done to a linear layer: its number, its values and their columns.
pub type Change = fn(u64, &mut [f32], usize);

/// Writes `base` to `folder` with every linear layer changed, and what is needed to run it.
pub fn write(base: &Path, folder: &Path, change: Change) -> Result<()> {
    let source = Checkpoint::open(base)?;
    let header = Header::of(source.tensors())?;
    let path = folder.join("model.safetensors");
    let out = BufWriter::new(File::create(&path)?);
    let mut writer = ShardWriter::new(&path, header, out)?;
    let mut number = 0;
    for (i, info) in source.tensors().iter().enumerate() {
        let mut bytes = source.read(i)?.into_owned();
        if is_linear(info) {
            number += 1;
            let (rows, cols) = fold(&info.shape).context("a matrix is empty")?;
            let mut values = vec![0.0; rows * cols];
            MatrixView::from_bytes(&bytes, info.dtype, rows, cols)?.read(0, &mut values);
            change(number, &mut values, cols);
            bytes = values
                .iter()
                .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                .collect();
        }
        writer.write(i, &bytes)?;
    }
    writer.finish()?.flush()?;
    for name in ["config.json", "tokenizer.json"] {
        fs::copy(base.join(name), folder.join(name)).with_context(|| format!("no {name}"))?;
    }
    Ok(())
}

/// Whether it is a projection of an attention or a matrix of a feed-forward part, in F16.
fn is_linear(info: &TensorInfo) -> bool {
    let role = role(&info.name);
    let linear = role.is_attention() || role == Role::Mlp;
    linear && info.shape.len() == 2 && info.dtype == Dtype::F16
}
