//! A checkpoint through the tool and back.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hct_model::{HctFile, TensorInfo};
use tempfile::TempDir;

use super::checkpoint::Synthetic;
use super::child::Hct;
use super::plan::weights;
use super::report::{Kind, Row, Setting};
use crate::speed::{Machine, size};

/// Makes the checkpoint of `tensors` in `parent`, and runs `hct compress`, `verify` and `decompress`.
/// Never are more than two of checkpoint, file and copy on the disk: what came back is compared with
/// weights made anew.
pub fn measure(
    hct: &Hct,
    parent: &Path,
    kind: Kind,
    tensors: Vec<TensorInfo>,
    setting: Setting,
) -> Result<Row> {
    let machine = Machine::here();
    let folder = TempDir::new_in(parent).context("no room for a checkpoint")?;
    let path = |name: &str| folder.path().join(name);
    let (input, file, output) = (path("checkpoint"), path("model.hct"), path("copy"));
    let made = Synthetic::new(tensors);
    made.write(&input)?;
    let input_bytes = size(&input)?;

    let to_file = [&input, Path::new("-o"), &file];
    let options = [&["compress"], setting.options()].concat();
    let (compress, _) = hct.run(&options, &to_file)?;
    eprintln!("compress: {compress:?}");
    fs::remove_dir_all(&input)?;
    let (verify, _) = hct.run(&["verify"], &[&file])?;
    eprintln!("verify: {verify:?}");
    let (decompress, _) = hct.run(&["decompress"], &[&file, Path::new("-o"), &output])?;
    eprintln!("decompress: {decompress:?}");

    let model = HctFile::open(&file)?;
    let (index_bytes, recovery_bytes) = (model.index_bytes(), model.recovery_bytes());
    let file_bytes = model.file_bytes();
    drop(model);
    fs::remove_file(&file)?;
    let difference = made.compare(&output)?;
    let all = made.tensors();
    let row = Row {
        machine,
        kind,
        setting,
        tensors: made.tensors().count() as u64,
        name_bytes: all.map(|t| t.name.len() as u64).sum(),
        weights: made.weights(),
        largest: made.tensors().map(weights).max().unwrap_or(0),
        input_bytes,
        file_bytes,
        index_bytes,
        recovery_bytes,
        rel_mse: difference.rel_mse(),
        changed: difference.changed,
        compress,
        verify,
        decompress,
    };
    ensure!(
        setting != Setting::Lossless || row.changed == 0,
        "{} weights came back changed",
        row.changed
    );
    Ok(row)
}
