//! A checkpoint into an HCT file.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use hct_core::{FileKind, HctWriter, Recipe, TensorMeta};
use hct_strategies::{Coded, LosslessEncoder, Strategy, TensorView, lossless_reason};
use rayon::prelude::*;
use tempfile::NamedTempFile;

use crate::batch::batches;
use crate::packing::pack;
use crate::safetensors_out::{create_beside, persist};
use crate::{Checkpoint, Error, Progress, TensorSource};

/// What to carry, whether to replace, and what to say of it.
#[derive(Clone, Copy, Debug)]
pub struct CompressOptions<'a> {
    /// Carry config, tokenizer and other side files of a folder.
    pub side_files: bool,
    /// Replace an existing output.
    pub overwrite: bool,
    /// What the file says of how it was made (see [`HctWriter::set_provenance`]); it counts as
    /// any other byte where a size is asked for.
    pub provenance: Option<&'a str>,
}

/// What came of compressing a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompressReport {
    /// Bytes of the checkpoint's safetensors files and of the side files carried.
    pub input_bytes: u64,
    /// Bytes of the HCT file.
    pub output_bytes: u64,
    /// Elements of all float tensors.
    pub weights: u64,
    /// Elements of the tensors that were coded with loss.
    pub lossy_weights: u64,
}

impl CompressReport {
    /// Bits per weight, the whole file counted.
    pub fn bits_per_weight(&self) -> f64 {
        8.0 * self.output_bytes as f64 / self.weights as f64
    }
}

/// Compresses `checkpoint` to the file `output`, each tensor by `strategy` unless only lossless
/// coding suits it. Tensors are coded in parallel on the current rayon pool; the bytes written do
/// not depend on its size. The file appears under its name only when it is complete.
///
/// # Errors
/// When the checkpoint cannot be read, a tensor cannot be coded as asked, or the output cannot be
/// written or exists already, or the provenance is empty or too long.
pub fn compress(
    checkpoint: &Checkpoint,
    output: &Path,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<CompressReport, Error> {
    let (file, report) = compress_beside(checkpoint, output, strategy, options, progress)?;
    persist(file, output, options.overwrite)?;
    Ok(report)
}

/// Compresses to a temporary file beside `output`, for [`persist`] to give it its name.
pub(crate) fn compress_beside(
    checkpoint: &Checkpoint,
    output: &Path,
    strategy: &dyn Strategy,
    options: CompressOptions<'_>,
    progress: &dyn Progress,
) -> Result<(NamedTempFile, CompressReport), Error> {
    if !options.overwrite && output.exists() {
        return Err(Error::OutputExists {
            path: output.to_owned(),
        });
    }
    let in_output = |error| Error::Hct {
        path: output.to_owned(),
        error: Box::new(error),
    };
    let file = BufWriter::with_capacity(1 << 20, create_beside(output)?);
    let mut writer = HctWriter::new(file).map_err(in_output)?;
    if let Some(text) = options.provenance {
        writer.set_provenance(text).map_err(in_output)?;
    }
    let mut input_bytes = checkpoint.total_bytes();
    let mut shards = Vec::new();
    for shard in checkpoint.shards() {
        let header = shard.header().header_bytes();
        shards.push(carry(&mut writer, FileKind::Shard, shard.name(), header).map_err(in_output)?);
    }
    if options.side_files {
        for side in checkpoint.side_files() {
            let bytes = read_side_file(&side.path, side.len)?;
            input_bytes += bytes.len() as u64;
            carry(&mut writer, FileKind::Side, &side.rel_path, &bytes).map_err(in_output)?;
        }
    }
    let mut report = add_tensors(
        checkpoint,
        &mut writer,
        strategy,
        progress,
        &shards,
        in_output,
    )?;
    report.input_bytes = input_bytes;
    let buffered = writer.finish().map_err(in_output)?;
    let file = buffered
        .into_inner()
        .map_err(|e| Error::io("write", output)(e.into_error()))?;
    report.output_bytes = file
        .as_file()
        .metadata()
        .map_err(Error::io("inspect", output))?
        .len();
    Ok((file, report))
}

fn carry<W: Write>(
    writer: &mut HctWriter<W>,
    kind: FileKind,
    path: &str,
    bytes: &[u8],
) -> Result<usize, hct_core::Error> {
    let (stored, packing) = pack(bytes);
    writer.add_file(kind, path, &stored, packing, bytes.len() as u64)
}

/// Reads at most what was there when the folder was listed, so that a growing file stays bounded.
fn read_side_file(path: &Path, len: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(len).read_to_end(&mut bytes))
        .map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// Codes and writes every tensor; reports the numbers of elements.
fn add_tensors<W: Write>(
    checkpoint: &Checkpoint,
    writer: &mut HctWriter<W>,
    strategy: &dyn Strategy,
    progress: &dyn Progress,
    shards: &[usize],
    in_output: impl Fn(hct_core::Error) -> Error,
) -> Result<CompressReport, Error> {
    let tensors = checkpoint.tensors();
    let sizes: Vec<u64> = tensors
        .iter()
        .map(|t| t.dtype.byte_len(t.shape.iter().product()).unwrap_or(0))
        .collect();
    let mut report = CompressReport::default();
    for batch in batches(&sizes) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let coded: Vec<Result<(TensorMeta, Coded), Error>> = batch
            .clone()
            .into_par_iter()
            .map(|i| encode(checkpoint, i, strategy))
            .collect();
        for (i, coded) in batch.zip(coded) {
            let (meta, coded) = coded?;
            let file = checkpoint.shard_of(i).map(|s| shards[s]);
            let elements = meta.shape.iter().product::<u64>();
            if meta.dtype.is_float() {
                report.weights += elements;
            }
            let name = meta.name.clone();
            let record = writer
                .add_tensor(meta, coded.tensor, file, &coded.label)
                .map_err(&in_output)?;
            if matches!(record.recipe, Recipe::Layers { .. }) {
                report.lossy_weights += elements;
            }
            progress.advance(sizes[i], &name);
        }
    }
    Ok(report)
}

fn encode(
    checkpoint: &Checkpoint,
    index: usize,
    strategy: &dyn Strategy,
) -> Result<(TensorMeta, Coded), Error> {
    let info = &checkpoint.tensors()[index];
    let meta = TensorMeta {
        name: info.name.clone(),
        dtype: info.dtype,
        shape: info.shape.clone(),
    };
    let bytes = checkpoint.read(index)?;
    let view = TensorView {
        meta: &meta,
        bytes: &bytes,
    };
    let coded = match lossless_reason(view) {
        Some(reason) => LosslessEncoder.encode(view).map(|coded| {
            let label = format!("lossless ({reason})");
            Coded { label, ..coded }
        }),
        None => strategy.encode(view),
    };
    let coded = coded.map_err(|source| Error::Hct {
        path: checkpoint.path().to_owned(),
        error: Box::new(source.in_tensor(&meta.name)),
    })?;
    Ok((meta, coded))
}
